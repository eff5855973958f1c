import {
  type Conv2dProblem,
  conv2dEpilogueChoice,
  conv2dOutputSize,
  type Epilogue,
  epilogueTotals,
  epilogueTunable,
  type PointwiseChain,
} from '@initlab/kernels';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu, swapChannels } from './support/conv2d-cpu.js';
import { conv2dArrays, conv2dProblem } from './support/conv2d-run.js';
import { emulated, matrixTarget } from './support/matrix-emulation.js';
import { smallTile } from './support/matrix-shapes.js';
import { openNullValidation } from './support/null-validation.js';

type Direction = 'forward' | 'gradInput';
let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});
afterAll(() => gpu.device.destroy());

/** (product + chain1) where chain2 > 0: the sum of two gradients behind a ReLU, as a residual block's backward pass has it. */
const masked = (count: number): PointwiseChain => ({
  shape: [count],
  inputs: Array.from({ length: 3 }, () => ({ dtype: 'f32' as const, strides: [1] })),
  steps: [
    { f: { kind: 'binary', row: 'add' }, args: [{ input: 0 }, { input: 1 }] },
    { f: { kind: 'unaryGrad', row: 'relu' }, args: [{ step: 0 }, { scalar: 0 }, { input: 2 }] },
  ],
  outputs: [{ value: { step: 1 }, dtype: 'f32' }],
});

const epilogueOf = (direction: Direction, count: number): Epilogue =>
  direction === 'forward' ? { sums: 'moments' } : { chain: masked(count), sums: 'normGrad' };

interface Expected {
  readonly result: Float64Array;
  /** Pairs of every channel over all rows. */
  readonly totals: Float64Array;
}

/** The same in float64; everything NHWC. */
function onCpu(p: Conv2dProblem, direction: Direction, { epilogue, operands }: { epilogue: Epilogue; operands: Operands }): Expected {
  const { channels, pixels } = resultOf(p, direction);
  const product = conv2dOnCpu(p, direction, conv2dArrays(p, 3));
  const nhwc = new Float64Array(product.length);
  const image = channels * pixels;
  product.forEach((v, i) => {
    const at = i % image;
    nhwc[i - at + (at % pixels) * channels + Math.floor(at / pixels)] = v;
  });
  const result = epilogue.chain ? nhwc.map((v, i) => ((operands.chain2[i] as number) > 0 ? v + (operands.chain1[i] as number) : 0)) : nhwc;
  const totals = new Float64Array(channels * 2);
  const rows = result.length / channels;
  for (let c = 0; c < channels; c++) {
    const column = (of: (i: number) => number): number => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += of(row * channels + c);
      return sum;
    };
    const at = (values: ArrayLike<number>, i: number): number => values[i] as number;
    if (epilogue.sums === 'moments') {
      const mean = column((i) => at(result, i)) / rows;
      totals.set([mean, column((i) => (at(result, i) - mean) ** 2)], c * 2);
    } else {
      const [mean, rstd] = [operands.normMean[c] as number, operands.normRstd[c] as number];
      totals.set([column((i) => at(result, i)), column((i) => at(result, i) * (at(operands.normX, i) - mean) * rstd)], c * 2);
    }
  }
  return { result, totals };
}

interface Operands {
  readonly chain1: Float32Array<ArrayBuffer>;
  readonly chain2: Float32Array<ArrayBuffer>;
  readonly normX: Float32Array<ArrayBuffer>;
  readonly normMean: Float32Array<ArrayBuffer>;
  readonly normRstd: Float32Array<ArrayBuffer>;
}

function resultOf(p: Conv2dProblem, direction: Direction): { channels: number; pixels: number } {
  const [height, width] = direction === 'forward' ? conv2dOutputSize(p) : [p.inHeight, p.inWidth];
  return { channels: direction === 'forward' ? p.outChannels : p.inChannels, pixels: height * width };
}

/** Runs the candidates that `pick` takes; says what differs. On `matrices`, those on emulated matrix units; `bare` without epilogue. */
async function check(
  p: Conv2dProblem,
  direction: Direction,
  { pick, matrices = false, bare = false }: { pick: RegExp; matrices?: boolean; bare?: boolean },
): Promise<string[]> {
  const kind: NonNullable<Epilogue['sums']> = direction === 'forward' ? 'moments' : 'normGrad';
  const { channels, pixels } = resultOf(p, direction);
  const count = p.batch * pixels * channels;
  const fill = (size: number, seed: number, shift = 0): Float32Array<ArrayBuffer> => parityFill(size, { seed, shift });
  const operands: Operands = {
    chain1: fill(count, 11),
    chain2: fill(count, 12),
    normX: fill(count, 13, 5),
    normMean: fill(channels, 14, 5),
    normRstd: fill(channels, 15, 2),
  };
  const epilogue = bare ? {} : epilogueOf(direction, count);
  const expected = onCpu(p, direction, { epilogue, operands });
  const arrays = conv2dArrays(p, 3);
  const [outHeight, outWidth] = conv2dOutputSize(p);
  const inputs: Record<string, ArrayBufferView> = {
    weight: arrays.weight,
    x: swapChannels(arrays.x, { channels: p.inChannels, pixels: p.inHeight * p.inWidth }),
    dy: swapChannels(arrays.dy, { channels: p.outChannels, pixels: outHeight * outWidth }),
    ...(arrays.bias ? { bias: Float32Array.from(arrays.bias) } : {}),
    ...operands,
  };
  const tunable = epilogueTunable(conv2dEpilogueChoice(p, direction, epilogue));
  const target = matrices ? matrixTarget(gpu.target, { splitF32: true }) : gpu.target;
  const plans = [tunable.reference(target), ...tunable.candidates(target).map((make) => make())]
    .filter(({ variant }) => pick.test(variant))
    .map((plan) => (matrices ? emulated(plan, 32) : plan));
  expect(plans.length).toBeGreaterThan(0);
  const wrong: string[] = [];
  for (const plan of plans) {
    const parts = plan.parts?.count ?? 0;
    const slot = direction === 'forward' ? 'y' : 'dx';
    const read = new Set(plan.dispatches.flatMap((d) => d.slots as string[]));
    const given = Object.fromEntries(Object.entries(inputs).filter(([name]) => read.has(name)));
    const got = await gpu.run(plan, given, { [slot]: count * 4, ...(bare ? {} : { sums: parts * channels * 8 }) });
    const all = { plan, channels, rows: p.batch * pixels, kind } as const;
    const totals = bare ? expected.totals : epilogueTotals(new Float32Array(got.sums as ArrayBuffer), all);
    // f32 sums of a few hundred products, or of a few hundred results; x around 5 costs normGrad's second sum a digit.
    const text = [
      differs('result', new Float32Array(got[slot] as ArrayBuffer), expected.result, { absolute: 2e-6, relative: 2e-5 }),
      differs('totals', totals, expected.totals, { absolute: 2e-5, relative: 5e-5 }),
    ].join('');
    if (text) wrong.push(`${plan.variant}: ${text}`);
  }
  return wrong;
}

/** Larger tiles differ in their numbers only, and a CPU driver compiles each for ten seconds: one of them once. */
const small = /gemm-64x16x/;
const quick = /reference|gemm-64x16x|gemm-128x8x/;
const large = /gemm-128x64x/;

const dense = conv2dProblem({
  batch: 3,
  inChannels: 8,
  outChannels: 12,
  inHeight: 9,
  inWidth: 7,
  kernelHeight: 3,
  kernelWidth: 3,
  padding: [1, 1],
});

describe('epilogues of products', () => {
  it('forward with bias: the moments of its channels', async () => {
    expect(await check({ ...dense, bias: true }, 'forward', { pick: quick })).toEqual([]);
    expect(await check({ ...dense, bias: true }, 'forward', { pick: large })).toEqual([]);
  });

  it('input gradient: chain, mask and the sums of the norm before', async () => {
    expect(await check(dense, 'gradInput', { pick: quick })).toEqual([]);
  });

  it('a strided input gradient leaves the sums of all its phases', async () => {
    expect(await check({ ...dense, stride: [2, 2], batch: 5 }, 'gradInput', { pick: small })).toEqual([]);
  });

  it('a strided 1×1 input gradient: its zeros go on too, as one part with the pixels beside them', async () => {
    const shortcut = { ...dense, stride: [2, 2] as const, kernelHeight: 1, kernelWidth: 1, padding: [0, 0] as const };
    expect(await check({ ...shortcut, batch: 9 }, 'gradInput', { pick: small })).toEqual([]);
    expect(await check({ ...shortcut, groups: 2, inChannels: 24, outChannels: 8 }, 'gradInput', { pick: small })).toEqual([]);
  });

  it('groups, 1×1 kernels, more columns than a tile', async () => {
    expect(await check({ ...dense, groups: 2, inChannels: 16, outChannels: 24 }, 'forward', { pick: small })).toEqual([]);
    expect(
      await check({ ...dense, kernelHeight: 1, kernelWidth: 1, padding: [0, 0], inChannels: 72 }, 'gradInput', { pick: small }),
    ).toEqual([]);
  });

  it('the window kernel: several chunks of channels, two blocks of outputs, uneven kernels', async () => {
    const few = { ...dense, batch: 2, inChannels: 32, outChannels: 16, inHeight: 8, inWidth: 16 };
    const pick = /window/;
    // Without sums: a CPU driver compiles this kernel's for a minute.
    expect(await check({ ...few, bias: true }, 'forward', { pick, bare: true })).toEqual([]);
    expect(await check({ ...few, kernelHeight: 2, inHeight: 12, padding: [0, 1] }, 'gradInput', { pick })).toEqual([]);
  });

  it('depthwise kernels, a workgroup a part of the rows', async () => {
    const each = { ...dense, batch: 5, inChannels: 24, outChannels: 24, groups: 24, inWidth: 8 };
    const pick = /depthwise/;
    expect(await check({ ...each, bias: true }, 'forward', { pick })).toEqual([]);
    expect(await check({ ...each, bias: true }, 'forward', { pick, bare: true })).toEqual([]);
    expect(await check(each, 'gradInput', { pick })).toEqual([]);
    // Several parts, the last of them short.
    const more = { ...each, inChannels: 512, outChannels: 512, groups: 512, batch: 37, inHeight: 3, inWidth: 4, stride: [2, 1] as const };
    expect(await check(more, 'forward', { pick })).toEqual([]);
    expect(await check({ ...more, stride: [2, 2] }, 'gradInput', { pick })).toEqual([]);
  });

  it('agree with float64 on random problems', async () => {
    const problems = fc.record({
      batch: fc.integer({ min: 1, max: 9 }),
      inChannels: fc.integer({ min: 1, max: 6 }).map((n) => n * 4),
      outChannels: fc.integer({ min: 1, max: 6 }).map((n) => n * 4),
      inHeight: fc.integer({ min: 3, max: 9 }),
      inWidth: fc.integer({ min: 3, max: 9 }),
      kernelHeight: fc.integer({ min: 1, max: 3 }),
      kernelWidth: fc.integer({ min: 1, max: 3 }),
      stride: fc.constantFrom<[number, number]>([1, 1], [2, 2], [1, 2]),
      padding: fc.constantFrom<[number, number]>([0, 0], [1, 1]),
      direction: fc.constantFrom<Direction>('forward', 'gradInput'),
    });
    await fc.assert(
      fc.asyncProperty(problems, async ({ direction, ...parts }) => {
        expect(await check(conv2dProblem(parts), direction, { pick: /gemm-64x16x|reference/ })).toEqual([]);
      }),
      { numRuns: 30, seed: 4 },
    );
  });

  it('on emulated matrix units', async () => {
    const on = { pick: smallTile, matrices: true };
    expect(await check({ ...dense, bias: true }, 'forward', on)).toEqual([]);
    expect(await check({ ...dense, stride: [2, 2], batch: 5 }, 'gradInput', on)).toEqual([]);
    expect(await check({ ...dense, stride: [3, 2], kernelHeight: 1, kernelWidth: 1, batch: 5 }, 'gradInput', on)).toEqual([]);
  });

  it('valid on matrix units, every tile and type', async () => {
    const validation = await openNullValidation();
    const said: string[] = [];
    const problem = { ...dense, inChannels: 16, outChannels: 24, stride: [2, 2] as const };
    const shortcut = { ...problem, kernelHeight: 1, kernelWidth: 1, padding: [0, 0] as const };
    const types = [{ dtype: 'f32' }, { dtype: 'f16' }, { dtype: 'f16', weightDtype: 'f32' }] as const;
    for (const dtypes of types)
      for (const [parts, direction] of [
        [problem, 'forward'],
        [problem, 'gradInput'],
        [shortcut, 'gradInput'],
      ] as const) {
        const tunable = conv2dEpilogueChoice({ ...parts, ...dtypes }, direction, epilogueOf(direction, 1));
        for (const make of tunable.candidates(matrixTarget(gpu.target, { splitF32: true }))) said.push(...(await validation.check(make())));
      }
    expect(said).toEqual([]);
    expect(validation.piped.size).toBeGreaterThan(10);
  });
});
