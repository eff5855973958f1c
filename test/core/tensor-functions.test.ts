import { readFileSync } from 'node:fs';
import * as core from '@initlab/core';
import { compile, grad, mul, type Reduction, reshape, scope, sum, type Tensor, tensor } from '@initlab/core';
import { describe, expect, it } from 'vitest';
import { devicesOfBothKinds } from '../support/both-kinds.js';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

/** PyTorch's values in float64; made by test/parity/parity_tensors.py, which tells the inputs. */
interface Case {
  readonly op: keyof typeof calls;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly inputs: readonly { readonly shape: number[]; readonly scale: number; readonly shift: number }[];
  /** All inputs are 0. */
  readonly zero: boolean;
  readonly shapes: number[][];
  readonly values: (number | string)[][];
  readonly grads: (number | string)[][];
  readonly second: (number | string)[] | null;
}
const { cases } = JSON.parse(readFileSync(new URL('../parity/tensors.json', import.meta.url), 'utf8')) as { cases: Case[] };

interface Attrs {
  readonly dim?: number;
  readonly dims: readonly number[];
  readonly sizes: number | number[];
  readonly chunks: number;
  readonly p: number | 'inf';
  readonly keepdim: boolean;
  readonly correction: number;
  readonly reduction: Reduction | 'batchmean';
  readonly beta: number;
  readonly posWeight: boolean;
  readonly logTarget: boolean;
}
/** PyTorch's null, all dimensions, is to leave the option out here. */
const over = ({ dims, keepdim }: Attrs) => ({ ...(dims ? { dims } : {}), keepdim });
const plain = (reduction: Attrs['reduction']): Reduction => reduction as Reduction;

const calls = {
  squeeze: ([x], { dim }) => core.squeeze(x, dim),
  unsqueeze: ([x], { dim }) => core.unsqueeze(x, dim as number),
  transpose: ([x], { dims }) => core.transpose(x, dims as [number, number]),
  stack: (xs, { dim }) => core.stack(xs, { dim: dim as number }),
  split: ([x], { sizes, dim }) => core.split(x, sizes, { dim: dim as number }),
  chunk: ([x], { chunks, dim }) => core.chunk(x, chunks, { dim: dim as number }),
  norm: ([x], a) => core.norm(x, { ...over(a), p: a.p === 'inf' ? Number.POSITIVE_INFINITY : a.p }),
  std: ([x], a) => core.std(x, { ...over(a), correction: a.correction }),
  logsumexp: ([x], a) => core.logsumexp(x, over(a)),
  l1Loss: ([x, t], { reduction }) => core.l1Loss(x, t, { reduction: plain(reduction) }),
  smoothL1Loss: ([x, t], { reduction, beta }) => core.smoothL1Loss(x, t, { reduction: plain(reduction), beta }),
  binaryCrossEntropyWithLogits: ([x, t], { reduction, posWeight: weighted }) => {
    const posWeight = weighted ? tensor(parityFill(5, { seed: 9, scale: 1, shift: 2 }), { device: x.device }) : undefined;
    return core.binaryCrossEntropyWithLogits(x, t, { reduction: plain(reduction), posWeight });
  },
  klDiv: ([x, t], { reduction, logTarget }) =>
    core.klDiv(x, t, { reduction: reduction === 'batchmean' ? 'batchMean' : reduction, logTarget }),
} satisfies Record<string, (inputs: [Tensor, Tensor], attrs: Attrs) => Tensor | Tensor[]>;

const numbers = (values: readonly (number | string)[]): number[] => values.map((v) => (v === 'nan' ? Number.NaN : Number(v)));
const seeded = (like: Tensor, seed: number): Tensor =>
  reshape(tensor(parityFill(like.size, { seed }), { device: like.device }), like.shape);

const deviceOf = devicesOfBothKinds();

async function check(c: Case, compiled: boolean): Promise<string[]> {
  const device = deviceOf('cpu');
  const xs = c.inputs.map(({ shape, scale, shift }, i) =>
    tensor(
      parityFill(
        shape.reduce((a, b) => a * b, 1),
        { seed: i + 1, scale, shift },
      ).map((v) => (c.zero ? 0 : v)),
      { shape, device, requiresGrad: true },
    ),
  );
  const asked = xs.slice(0, c.grads.length);
  const body = (): Tensor[] => {
    const found = calls[c.op](xs as [Tensor, Tensor], c.attrs as unknown as Attrs);
    const ys = Array.isArray(found) ? found : [found];
    const total = ys.map((y, i) => sum(mul(y, seeded(y, 20 + i)))).reduce((a, b) => core.add(a, b));
    const first = grad(total, asked, { createGraph: true }).map((g, i) => g ?? core.zerosLike(asked[i] as Tensor));
    const again = sum(mul(first[0] as Tensor, seeded(xs[0] as Tensor, 30)));
    const second = c.second && again.requiresGrad ? grad(again, [xs[0] as Tensor]) : [];
    return [...ys, ...first, ...second.flatMap((g) => g ?? [])];
  };
  const step = compiled ? compile(body, { device }) : body;
  const got = await scope(async () => Promise.all(step().map(async (y) => ({ shape: y.shape, values: await y.read() }))));
  const n = c.values.length;
  const wanted = [...c.values, ...c.grads].map(numbers);
  const names = wanted.map((_, i) => (i < n ? `output ${i}` : `gradient ${i - n}`));
  const wrong = wanted.map((values, i) => differs(names[i] as string, got[i]?.values ?? [], values));
  for (let i = 0; i < n; i++) if (`${got[i]?.shape}` !== `${c.shapes[i]}`) wrong.push(`shape ${got[i]?.shape}, not ${c.shapes[i]}`);
  const second = c.second && numbers(c.second);
  // What has no second derivative here has one of zeros there.
  if (second) wrong.push(differs('second', got[wanted.length]?.values ?? second.map(() => 0), second));
  if ('dispose' in step) step.dispose();
  return wrong.filter(Boolean);
}

describe.each([
  ['eager', false],
  ['compiled', true],
] as const)('against PyTorch in float64, %s', (_, compiled) => {
  it.each(Object.keys(calls))('%s', async (op) => {
    const own = cases.filter((c) => c.op === op);
    expect(own.length).toBeGreaterThan(0);
    for (const c of own) expect(await check(c, compiled), `${op} ${JSON.stringify([c.attrs, c.inputs, c.zero])}`).toEqual([]);
  });
});

describe.each([
  ['eager', false],
  ['compiled', true],
] as const)('std where squares are no f32 or no half, %s', (_, compiled) => {
  it.each([1e20, 1e37, 1e-20, 1e-30])('values of %d, beside zeros', async (scale) => {
    const device = deviceOf('cpu');
    const row = [1, 2, 4, -3].map((v) => v * scale);
    const x = tensor([...row, 0, 0, 0, 0], { shape: [2, 4], device, requiresGrad: true });
    const body = (): Tensor[] => {
      const y = core.std(x, { dim: 1 });
      return [y, ...grad(sum(y), [x])];
    };
    const [y, dx] = await scope(async () => Promise.all((compiled ? compile(body, { device }) : body)().map((t) => t.read())));
    const deviation = Math.sqrt(26 / 3);
    // Some roundings of f32.
    const bound = { absolute: 0, relative: 1e-6 };
    expect(differs('std', y as Float32Array, [deviation * scale, 0], bound)).toBe('');
    expect(
      differs(
        'gradient',
        dx as Float32Array,
        [0, 1, 3, -4, 0, 0, 0, 0].map((v) => v / (3 * deviation)),
        bound,
      ),
    ).toBe('');
  });

  it.each([300, 3e-5])('halves of %d', async (scale) => {
    const device = deviceOf('cpu');
    if (!device.caps.f16) return;
    const body = (x: Tensor): Tensor => core.cast(core.std(core.cast(x, 'f16')), 'f32');
    const x = tensor([scale, -scale, scale, -scale], { device });
    const y = await scope(async () => (compiled ? compile(body, { device }) : body)(x).item());
    // Twice 2⁻¹¹, of the values and of the result; 3e-5 is a subnormal half, of 2⁻²⁵.
    expect(Math.abs(y / (scale * Math.sqrt(4 / 3)) - 1)).toBeLessThan(scale > 1 ? 1e-3 : 4e-3);
  });
});

it('klDiv of what is below 0, and so no probability, is NaN', async () => {
  const device = deviceOf('cpu');
  const options = { reduction: 'none' } as const;
  const values = await core.klDiv(tensor([-1, -1, -1], { device }), tensor([0.5, -0.5, 0], { device }), options).read();
  expect([...values].map(Number.isNaN)).toEqual([false, true, false]);
});
