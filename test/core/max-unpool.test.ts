import { readFileSync } from 'node:fs';
import {
  adaptiveMaxPool2d,
  adaptiveMaxPool2dWithIndices,
  compile,
  grad,
  type MaxPoolOptions,
  maxPool2d,
  maxPool2dWithIndices,
  maxUnpool2d,
  mul,
  type PooledWithIndices,
  relu,
  scope,
  sum,
  type Tensor,
  tensor,
  zeros,
} from '@initlab/core';
import { describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { parityFill } from '../support/parity-fill.js';
import { untyped } from '../support/untyped.js';

type Numbers = readonly (number | string)[];
interface UnpoolCase {
  readonly shape: readonly number[];
  readonly pool: MaxPoolOptions | number | readonly [number, number];
  readonly special: Readonly<Record<string, string>>;
  readonly sizes: { readonly outputSize?: readonly [number, number] };
  readonly y: Numbers;
  readonly yShape: readonly number[];
  readonly indices: readonly number[];
  readonly z?: Numbers;
  readonly zShape?: readonly number[];
  readonly dx?: Numbers | null;
}
const { unpools } = JSON.parse(readFileSync(new URL('../parity/modules.json', import.meta.url), 'utf8')) as { unpools: UnpoolCase[] };
const parse = (values: Numbers): number[] => values.map((v) => (typeof v === 'string' ? Number(v.replace('inf', 'Infinity')) : v));
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const isWindow = (pool: UnpoolCase['pool']): pool is MaxPoolOptions => typeof pool === 'object' && !Array.isArray(pool);

defaultDeviceOfTests();
const filled = (shape: readonly number[], seed: number): Tensor => tensor(parityFill(sizeOf(shape), { seed }), { shape });

function inputOf({ shape, special }: UnpoolCase): Tensor {
  const values = parityFill(sizeOf(shape), { seed: 1 });
  for (const [at, value] of Object.entries(special)) values[Number(at)] = parse([value])[0] as number;
  return tensor(values, { shape, requiresGrad: true, format: 'channelsLast' });
}

/** Values and indices, and of windows what they are put back to, with the gradient. */
function derivatives({ pool, sizes, dx }: UnpoolCase, x: Tensor): Tensor[] {
  if (!isWindow(pool)) {
    const { values, indices } = adaptiveMaxPool2dWithIndices(x, pool);
    return [values, indices, adaptiveMaxPool2d(x, pool)];
  }
  const { kernelSize, stride, padding } = pool;
  const { values, indices } = maxPool2dWithIndices(x, pool);
  const z = maxUnpool2d(values, indices, { kernelSize, stride, padding, ...sizes });
  return [values, indices, maxPool2d(x, pool), z, ...(dx ? grad(sum(mul(z, filled(z.shape, 2))), [x]) : [])];
}

describe.each(['eager', 'compiled', 'compiled, exact'])('maxima with their places, put back, are PyTorch’s: %s', (way) => {
  it.each(
    unpools.map(
      (c) => [`${JSON.stringify(c.pool)} of [${c.shape}]${Object.keys(c.special).length > 0 ? ', ties and NaN' : ''}`, c] as const,
    ),
  )('%s', async (_, c) => {
    const x = inputOf(c);
    const body = (): Tensor[] => derivatives(c, x);
    const step = way === 'eager' ? body : compile(body, { exact: way !== 'compiled' });
    await scope(async () => {
      const got = step();
      expect(got[0]?.shape).toEqual(c.yShape);
      expect(got[1]?.dtype).toBe('i32');
      expect([...((await got[1]?.read()) ?? [])]).toEqual(c.indices);
      if (c.zShape) expect(got[3]?.shape).toEqual(c.zShape);
      const expected = [c.y, undefined, c.y, c.z, c.dx ?? undefined];
      for (const [i, values] of expected.entries())
        if (values) expect(differs(`value ${i}`, (await got[i]?.read()) ?? [], parse(values))).toBe('');
    });
    if ('dispose' in step) step.dispose();
  });
});

describe('maxUnpool2d', () => {
  const indices = (values: readonly number[], shape: readonly number[]): Tensor => tensor(Int32Array.from(values), { shape });

  it.each(['eager', 'compiled'])(
    'leaves the last of several for one place, which alone has a gradient, and what is outside out: %s',
    async (way) => {
      const x = tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2], requiresGrad: true });
      const places = indices([5, 5, -1, 16], [1, 1, 2, 2]);
      const body = (): Tensor[] => {
        const y = maxUnpool2d(x, places, { kernelSize: 2 });
        return [y, ...grad(sum(mul(y, 10)), [x])];
      };
      const [y, g] = (way === 'eager' ? body : compile(body))() as [Tensor, Tensor];
      expect([...(await y.read())]).toEqual([0, 0, 0, 0, 0, 2, ...new Array<number>(10).fill(0)]);
      expect([...(await g.read())]).toEqual([0, 10, 0, 0]);
    },
  );

  it('refuses sizes that no such pooling has, and indices of another shape or type', () => {
    const x = zeros([1, 1, 2, 2]);
    const at = indices([0, 1, 2, 3], [1, 1, 2, 2]);
    expect(() => maxUnpool2d(x, at, { kernelSize: 2, outputSize: 6 })).toThrow(
      /outputSize 6,6 must be .* less than the stride 2,2 away from 4,4/,
    );
    expect(() => maxUnpool2d(x, at, { kernelSize: 1, padding: 1 })).toThrow(/outputSize 0,0 must be at least 1/);
    expect(() => maxUnpool2d(x, x, { kernelSize: 2 })).toThrow(/i32 indices of its shape, got \[1, 1, 2, 2\] and f32/);
    expect(() => maxUnpool2d(x, indices([0], [1, 1, 1, 1]), { kernelSize: 2 })).toThrow(/indices of its shape/);
    expect(() => maxUnpool2d(x, at, untyped({ size: 2 }))).toThrow(/there is no option size/);
  });
});

it('a compiled step shows the places of what a ReLU made, not of what it was made of', async () => {
  const x = tensor([-2, -1, -3, -4], { shape: [1, 1, 2, 2], requiresGrad: true });
  const step = compile((): PooledWithIndices => maxPool2dWithIndices(relu(x), { kernelSize: 2 }));
  const { values, indices } = step();
  expect([...(await values.read()), ...(await indices.read())]).toEqual([0, 0]);
});
