import { type MatmulProblem, matmulCandidates, type Target } from '@initlab/kernels';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { matmulOnCpu, matmulOperands, matmulProblem, runMatmul, showMatmul } from './support/matmul-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

/** What is wrong with the product for CPU drivers, which shares loads in a subgroup: run at several sizes of those. */
async function check(problem: MatmulProblem, target: Target = gpu.target): Promise<string> {
  const plan = matmulCandidates(problem, { ...target, software: true }).find(({ variant }) => variant.startsWith('matmul-software'));
  if (!plan) return 'no kernel for a CPU driver';
  const data = matmulOperands(problem);
  return differs(showMatmul(problem), await runMatmul(gpu, { plan, problem, data }), matmulOnCpu(problem, data));
}
const ways = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

describe('matrix product of a CPU driver', () => {
  it.each([
    [130, 17, 64],
    [17, 131, 66],
    [3, 2, 1],
    [9, 140, 1025],
  ])('%i × %i, %i deep, both operands either way', async (m, n, k) => {
    for (const way of ways) expect(await check(matmulProblem({ m, n, k, ...way }))).toBe('');
  });

  it('any sizes, with a bias or none', async () => {
    const size = fc.integer({ min: 1, max: 180 });
    const problems = fc.record({ m: size, n: size, k: size, transposeA: fc.boolean(), transposeB: fc.boolean(), bias: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(problems, async (parts) => {
        expect(await check(matmulProblem(parts))).toBe('');
      }),
      { numRuns: 8, seed: 5 },
    );
  });

  it('where the size of subgroups is not known nothing is shared', async () => {
    const target = { ...gpu.target, subgroupMinSize: 4, subgroupMaxSize: 64 };
    expect(await check(matmulProblem({ m: 130, n: 20, k: 33, bias: true }), target)).toBe('');
  });
});
