import { type ChainInput, type PointwiseChain, planPointwise, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
let uniforms: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
  uniforms = await openRawGpu({ immediates: false });
});
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const exact = { absolute: 0, relative: 0 };

/** Strides of a dense operand whose dimensions of `own` that are 1 are broadcast to `shape`. */
function broadcast(own: readonly number[], shape: readonly number[]): number[] {
  const strides: number[] = [];
  let next = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = own[d] === 1 && shape[d] !== 1 ? 0 : next;
    next *= own[d] as number;
  }
  return strides;
}
/** What a chain of x0 − x1 gives, walked element by element. */
function expectedDifference(
  shape: readonly number[],
  operands: readonly { data: Float32Array; strides: readonly number[] }[],
): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
    const [x, z] = operands.map(({ data, strides }) => {
      let rest = i;
      let at = 0;
      for (let d = shape.length - 1; d >= 0; d--) {
        const size = shape[d] as number;
        at += (rest % size) * (strides[d] as number);
        rest = Math.floor(rest / size);
      }
      return data[at] as number;
    });
    return (x as number) - (z as number);
  });
}

describe('pointwise layouts', () => {
  const f32 = (strides: readonly number[]): ChainInput => ({ dtype: 'f32', strides });
  const cases: [string, number[], number[], number[]][] = [
    ['same shapes', [4, 5], [4, 5], [4, 5]],
    ['one element', [1], [1], [1]],
    ['a single number', [6, 4], [6, 4], [1, 1]],
    ['per channel, vectors', [2, 3, 3, 8], [2, 3, 3, 8], [1, 1, 1, 8]],
    ['per channel, odd', [2, 3, 3, 5], [2, 3, 3, 5], [1, 1, 1, 5]],
    ['per image and channel, vectors', [3, 4, 4, 8], [3, 4, 4, 8], [3, 1, 1, 8]],
    ['per row, vectors', [5, 12], [5, 12], [5, 1]],
    ['per image, vectors', [3, 2, 2, 4], [3, 1, 1, 1], [3, 2, 2, 4]],
    ['per row of 3 dimensions', [3, 7, 8], [3, 7, 1], [3, 1, 8]],
    ['both sides broadcast', [3, 4, 5], [3, 1, 5], [1, 4, 1]],
    ['outer product', [5, 4, 3, 2], [5, 1, 3, 1], [1, 4, 1, 2]],
    ['six dimensions, more than 16 scalars', [2, 3, 2, 3, 2, 3], [2, 1, 2, 1, 2, 1], [1, 3, 1, 3, 1, 3]],
  ];
  const targets: [string, () => RawGpu, Partial<Target>][] = [
    ['passed as immediates', () => gpu, {}],
    ['passed in a uniform', () => uniforms, {}],
    ['baked', () => gpu, { bake: true }],
  ];
  for (const [way, open, more] of targets)
    it(`broadcasts like PyTorch, scalars ${way}`, async () => {
      for (const [title, shape, a, b] of cases) {
        const [x, z] = [parityFill(sizeOf(a), { seed: 1 }), parityFill(sizeOf(b), { seed: 2 })];
        const [sx, sz] = [broadcast(a, shape), broadcast(b, shape)];
        const chain: PointwiseChain = {
          shape,
          inputs: [f32(sx), f32(sz)],
          steps: [{ f: { kind: 'binary', row: 'sub' }, args: [{ input: 0 }, { input: 1 }] }],
          outputs: [{ value: { step: 0 }, dtype: 'f32' }],
        };
        const { y0 } = await open().run(planPointwise(chain, { ...open().target, ...more }), { x0: x, x1: z }, { y0: sizeOf(shape) * 4 });
        const expected = expectedDifference(shape, [
          { data: x, strides: sx },
          { data: z, strides: sz },
        ]);
        expect(differs(title, new Float32Array(y0 as ArrayBuffer), expected, exact)).toBe('');
      }
    });

  it('reads by any strides, so that a transposed operand needs no copy', async () => {
    const [rows, columns] = [8, 12];
    const [x, z] = [parityFill(96, { seed: 3 }), parityFill(96, { seed: 4 })];
    const chain: PointwiseChain = {
      shape: [rows, columns],
      inputs: [f32([1, rows]), f32([columns, 1])],
      steps: [{ f: { kind: 'binary', row: 'sub' }, args: [{ input: 0 }, { input: 1 }] }],
      outputs: [{ value: { step: 0 }, dtype: 'f32' }],
    };
    const { y0 } = await gpu.run(planPointwise(chain, gpu.target), { x0: x, x1: z }, { y0: 96 * 4 });
    const expected = Float32Array.from(
      { length: 96 },
      (_, i) => (x[(i % columns) * rows + Math.floor(i / columns)] as number) - (z[i] as number),
    );
    expect(differs('transposed', new Float32Array(y0 as ArrayBuffer), expected, exact)).toBe('');
  });

  it('runs more than 65,535 workgroups', async () => {
    // One element a thread: an odd innermost size keeps vectors away.
    const n = 65_535 * 64 + 129;
    const x = new Float32Array(n).map((_, i) => i % 1000);
    const chain: PointwiseChain = {
      shape: [n],
      inputs: [f32([1])],
      steps: [{ f: { kind: 'binary', row: 'add' }, args: [{ input: 0 }, { scalar: 1 }] }],
      outputs: [{ value: { step: 0 }, dtype: 'f32' }],
    };
    const plan = planPointwise(chain, gpu.target);
    expect(plan.dispatches[0]?.workgroups[1]).toBeGreaterThan(1);
    const { y0 } = await gpu.run(plan, { x0: x }, { y0: n * 4 });
    const got = new Float32Array(y0 as ArrayBuffer);
    expect(got.every((v, i) => v === (i % 1000) + 1)).toBe(true);
  });
});

describe('chains of several steps', () => {
  it('computes a graph with shared steps, scalars, attributes and two outputs in one dispatch', async () => {
    const [shape, n] = [[6, 8], 48];
    const [x, scale] = [parityFill(n, { seed: 5, scale: 2 }), parityFill(8, { seed: 6 })];
    const chain: PointwiseChain = {
      shape,
      inputs: [
        { dtype: 'f32', strides: [8, 1] },
        { dtype: 'f32', strides: [0, 1] },
      ],
      steps: [
        { f: { kind: 'binary', row: 'mul' }, args: [{ input: 0 }, { input: 1 }] },
        { f: { kind: 'unary', row: 'leakyRelu' }, args: [{ step: 0 }], attrs: [0.2] },
        { f: { kind: 'binary', row: 'sub' }, args: [{ scalar: 1 }, { step: 1 }] },
        { f: { kind: 'where' }, args: [{ step: 0 }, { step: 2 }, { scalar: 7 }] },
      ],
      outputs: [
        { value: { step: 3 }, dtype: 'f32' },
        { value: { step: 0 }, dtype: 'f32' },
      ],
    };
    const plan = planPointwise(chain, gpu.target);
    expect(plan.dispatches.length).toBe(1);
    const out = await gpu.run(plan, { x0: x, x1: scale }, { y0: n * 4, y1: n * 4 });
    const product = Float32Array.from(x, (v, i) => v * (scale[i % 8] as number));
    const expected = product.map((v) => (v === 0 ? 7 : 1 - (v < 0 ? 0.2 * v : v)));
    expect(differs('chain', new Float32Array(out.y0 as ArrayBuffer), expected)).toBe('');
    expect(differs('inner step', new Float32Array(out.y1 as ArrayBuffer), product, exact)).toBe('');
  });

  it('takes infinities and NaN as numbers, passed or baked', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const x = Float32Array.of(0, 1, 0, -3);
    for (const bake of [false, true])
      for (const scalar of [inf, -inf, Number.NaN, 2]) {
        const chain: PointwiseChain = {
          shape: [4],
          inputs: [{ dtype: 'f32', strides: [1] }],
          steps: [{ f: { kind: 'where' }, args: [{ input: 0 }, { scalar }, { input: 0 }] }],
          outputs: [{ value: { step: 0 }, dtype: 'f32' }],
        };
        const { y0 } = await gpu.run(planPointwise(chain, { ...gpu.target, bake }), { x0: x }, { y0: 16 });
        expect([...new Float32Array(y0 as ArrayBuffer)]).toEqual([0, scalar, 0, scalar]);
      }
    const limited: PointwiseChain = {
      shape: [4],
      inputs: [{ dtype: 'f32', strides: [1] }],
      steps: [{ f: { kind: 'unary', row: 'clamp' }, args: [{ input: 0 }], attrs: [0, inf] }],
      outputs: [{ value: { step: 0 }, dtype: 'f32' }],
    };
    const { y0 } = await gpu.run(planPointwise(limited, gpu.target), { x0: Float32Array.of(-1, inf, 3e38, Number.NaN) }, { y0: 16 });
    expect([...new Float32Array(y0 as ArrayBuffer)]).toEqual([0, inf, Math.fround(3e38), Number.NaN]);
  });

  it('keeps every digit of whole numbers, and does not mix up kernels of fractions and whole numbers', async () => {
    const x = Int32Array.of(2 ** 24 + 1, -(2 ** 30) - 1, 7, 0);
    const times = async (scalar: number): Promise<number[]> => {
      const chain: PointwiseChain = {
        shape: [4],
        inputs: [{ dtype: 'i32', strides: [1] }],
        steps: [{ f: { kind: 'binary', row: 'mul' }, args: [{ input: 0 }, { scalar }] }],
        outputs: [{ value: { step: 0 }, dtype: 'i32' }],
      };
      const { y0 } = await gpu.run(planPointwise(chain, gpu.target), { x0: x }, { y0: 16 });
      return [...new Int32Array(y0 as ArrayBuffer)];
    };
    expect(await times(1)).toEqual([...x]);
    expect((await times(0.5))[2]).toBe(3);
    const words = Uint32Array.of(0xffffffff, 0xdeadbeef, 1, 0);
    const copy: PointwiseChain = {
      shape: [2, 4],
      inputs: [{ dtype: 'u32', strides: [0, 1] }],
      steps: [],
      outputs: [{ value: { input: 0 }, dtype: 'u32' }],
    };
    const { y0 } = await gpu.run(planPointwise(copy, gpu.target), { x0: words }, { y0: 32 });
    expect([...new Uint32Array(y0 as ArrayBuffer)]).toEqual([...words, ...words]);
  });
});
