import { conv2dCandidates, type MatmulProblem, matmulCandidates, type Plan } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dArrays, conv2dProblem, directions, runConv2d } from './support/conv2d-run.js';
import {
  type MatmulOperands,
  matmulHalfBound,
  matmulOnCpu,
  matmulOperands,
  matmulProblem,
  runMatmul,
  showMatmul,
} from './support/matmul-run.js';
import { emulated, matrixTarget } from './support/matrix-emulation.js';
import { matrixConvs, matrixProducts, onMatrices, smallTile, ways } from './support/matrix-shapes.js';

/** f32 operands in two halves each keep 22 bits; sums are single precision. */
const splitBound: Bound = { absolute: 1e-7, relative: 2e-6 };

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

async function run(
  problem: MatmulProblem,
  data: MatmulOperands,
  { pick = smallTile, typed = false } = {},
): Promise<[Plan, ArrayLike<number>][]> {
  const target = matrixTarget(gpu.target, { splitF32: true, typedMatrixMemory: typed });
  const plans = matmulCandidates(problem, target).filter((plan) => onMatrices(plan) && pick.test(plan.variant));
  expect(plans.length).toBeGreaterThan(0);
  const results: [Plan, ArrayLike<number>][] = [];
  for (const plan of plans) results.push([plan, await runMatmul(gpu, { plan: emulated(plan, target.subgroupMaxSize), problem, data })]);
  return results;
}

async function check(problem: MatmulProblem, options: { pick?: RegExp; typed?: boolean } = {}): Promise<string[]> {
  const data = matmulOperands(problem);
  const expected = matmulOnCpu(problem, data);
  const bound = problem.dtype === 'f16' ? matmulHalfBound : splitBound;
  const results = await run(problem, data, options);
  return results.map(([plan, got]) => differs(`${plan.variant} of ${showMatmul(problem)}`, got, expected, bound)).filter(Boolean);
}

describe('matrix products on emulated matrix units', () => {
  it('halves, both operands either way', async (context) => {
    if (!gpu.target.f16) context.skip();
    for (const parts of matrixProducts) expect(await check(matmulProblem({ ...parts, dtype: 'f16' }))).toEqual([]);
  });

  it('f32 in halves', async (context) => {
    if (!gpu.target.f16) context.skip();
    for (const way of ways) expect(await check(matmulProblem({ m: 37, n: 19, k: 131, bias: true, ...way }))).toEqual([]);
    expect(await check(matmulProblem({ m: 64, n: 64, k: 4096 }))).toEqual([]);
    expect(await check(matmulProblem({ m: 64, n: 64, k: 4096 }), { typed: true })).toEqual([]);
  });

  it('f32 in halves, fetched ahead', async (context) => {
    if (!gpu.target.f16) context.skip();
    expect(await check(matmulProblem({ m: 72, n: 72, k: 80 }), { pick: /-matrix-64x64x32-32x32-prefetch-/ })).toEqual([]);
  });
});

describe('f32 convolutions in halves', () => {
  it.each(['eights', 'odd, strided and dilated', 'several workgroups and parts'] as const)('%s', async (name) => {
    if (!gpu.target.f16) return;
    const problem = conv2dProblem(matrixConvs[name]);
    const arrays = conv2dArrays(problem, 11);
    for (const direction of directions) {
      const expected = conv2dOnCpu(problem, direction, arrays);
      const plans = conv2dCandidates(problem, direction, matrixTarget(gpu.target, { splitF32: true }));
      const [plan] = plans.filter(({ variant }) => smallTile.test(variant)) as [Plan];
      const got = await runConv2d(gpu, { problem, direction, plan: emulated(plan, 32), arrays });
      expect(differs(plan.variant, got, expected, splitBound)).toBe('');
    }
  });
});

describe('the range of f32 in halves', () => {
  const problem = matmulProblem({ m: 16, n: 16, k: 32 });
  /** The largest error of a product whose left operand is `scale` times ordinary numbers, in units of the largest result. */
  async function relativeError(scale: number): Promise<number> {
    const { a, b, bias } = matmulOperands(problem);
    // Between 0.5 and 1, so that every number is as large as the scale says.
    const data = { a: a.map((v) => Math.fround((0.75 + v / 4) * scale)), b, bias };
    const expected = matmulOnCpu(problem, data);
    const [[, got]] = (await run(problem, data)) as [[Plan, ArrayLike<number>]];
    const largest = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    return expected.reduce((most, v, i) => Math.max(most, Math.abs(v - (got[i] as number))), 0) / largest;
  }

  it('f32-like from 2⁻¹⁴ to 65504, as good as halves down to 2⁻²⁵', async (context) => {
    if (!gpu.target.f16) context.skip();
    for (const scale of [65504, 1, 2 ** -13]) expect(await relativeError(scale), `${scale}`).toBeLessThan(2e-6);
    for (const scale of [2 ** -14, 2 ** -20, 2 ** -24]) expect(await relativeError(scale), `${scale}`).toBeLessThan(1e-3);
    expect(Number.isFinite(await relativeError(140000))).toBe(false);
  });
});
