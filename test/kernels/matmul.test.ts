import { type MatmulProblem, matmulCandidates, type Plan, planMatmul, type Target } from '@initlab/kernels';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { differs, parityBound } from '../support/close.js';
import { loadOpParity, parityFill, parityInput } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { matmulHalfBound, matmulOnCpu, matmulOperands, matmulProblem as problemOf, runMatmul, showMatmul } from './support/matmul-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

/** Runs the candidates that `pick` takes against float64; says what differs. */
async function check(
  problem: MatmulProblem,
  { pick = () => true, target = gpu.target }: { pick?: (plan: Plan) => boolean; target?: Target } = {},
) {
  const data = matmulOperands(problem);
  const expected = matmulOnCpu(problem, data);
  const wrong: string[] = [];
  for (const plan of matmulCandidates(problem, target).filter(pick))
    wrong.push(
      differs(
        `${plan.variant} of ${showMatmul(problem)}`,
        await runMatmul(gpu, { plan, problem, data }),
        expected,
        problem.dtype === 'f16' ? matmulHalfBound : parityBound,
      ),
    );
  return wrong.filter(Boolean);
}

/** The tiles a CPU driver takes seconds to compile, for each way operands may lie, have their turn in tests of their own. */
const large = /-(128x128|128x64|64x64|256x32|128x32|256x16)x/;
const quick = ({ variant }: Plan): boolean => !large.test(variant);
const ways = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

describe('matrix product against float64', () => {
  it.each([
    [1, 1, 1],
    [5, 3, 7],
    [65, 33, 127],
    [33, 65, 129],
    [1, 130, 64],
    [130, 1, 64],
    [17, 300, 4],
  ])(
    'every family at %i × %i, %i deep, both operands either way',
    async (m, n, k) => {
      for (const way of ways) expect(await check(problemOf({ m, n, k, ...way, bias: way.transposeB }), { pick: quick })).toEqual([]);
    },
    300_000,
  );

  it('a long sum is cut into parts', async () => {
    const problem = problemOf({ m: 9, n: 10, k: 2051, transposeB: true, bias: true });
    expect(matmulCandidates(problem, gpu.target).some((plan) => plan.variant.includes('split'))).toBe(true);
    expect(await check(problem, { pick: quick })).toEqual([]);
  }, 300_000);

  it('larger tiles', async () => {
    const pick = ({ variant }: Plan): boolean => large.test(variant);
    expect(await check(problemOf({ m: 260, n: 132, k: 20, transposeB: true }), { pick })).toEqual([]);
    for (const way of ways)
      expect(await check(problemOf({ m: 65, n: 68, k: 36, ...way, bias: true }), { pick: ({ variant }) => /64x64/.test(variant) })).toEqual(
        [],
      );
  }, 300_000);

  it('scalars in the code', async () => {
    expect(await check(problemOf({ m: 34, n: 35, k: 36, bias: true }), { pick: quick, target: { ...gpu.target, bake: true } })).toEqual([]);
  }, 300_000);

  it('whole tiles, as a GPU unrolls them', async () => {
    const target = { ...gpu.target, rolled: false };
    for (const way of ways)
      for (const sizes of [
        { m: 64, n: 64, k: 32 },
        { m: 60, n: 32, k: 36 },
      ])
        expect(await check(problemOf({ ...sizes, ...way }), { pick: ({ variant }) => variant.includes('-32x32x'), target })).toEqual([]);
  }, 300_000);

  it('halves with f32 sums', async (context) => {
    if (!gpu.target.f16) context.skip();
    for (const way of ways)
      expect(await check(problemOf({ m: 33, n: 34, k: 70, dtype: 'f16', ...way, bias: true }), { pick: quick })).toEqual([]);
  }, 300_000);

  it('any sizes', async () => {
    const size = fc.integer({ min: 1, max: 70 });
    const problems = fc.record({ m: size, n: size, k: size, transposeA: fc.boolean(), transposeB: fc.boolean(), bias: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(problems, async (parts) => {
        expect(await check(problemOf(parts), { pick: ({ variant }) => /software|32x32|direct/.test(variant) })).toEqual([]);
      }),
      { numRuns: 25, seed: 3 },
    );
  }, 300_000);
});

const parity = loadOpParity();

describe('PyTorch cases', () => {
  it.each(parity.cases.filter((c) => c.op === 'matmul' || c.op === 'linear'))(
    '$name and its gradients',
    async (c) => {
      const values = (name: string): Float32Array<ArrayBuffer> => parityInput(c, name) ?? new Float32Array();
      const linear = c.op === 'linear';
      const [left, right] = linear ? ['x', 'weight'] : ['a', 'b'];
      const [m = 0, k = 0] = c.inputs[0]?.shape ?? [];
      const n = c.inputs[1]?.shape[linear ? 0 : 1] ?? 0;
      const bias = c.inputs.some((input) => input.name === 'bias');
      const y = parity.expected(`${c.name}/y`);
      const [a, b, dy] = [values(left as string), values(right as string), parityFill(y.length, c.cotangent ?? { seed: 0 })];
      const products: [string, Partial<MatmulProblem>, Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>, Float32Array][] = [
        ['y', { m, n, k, transposeB: linear, bias }, a, b, y],
        ['grad of the left', { m, n: k, k: n, transposeB: !linear }, dy, b, parity.expected(`${c.name}/grad/${left}`)],
        linear
          ? ['grad of the right', { m: n, n: k, k: m, transposeA: true }, dy, a, parity.expected(`${c.name}/grad/${right}`)]
          : ['grad of the right', { m: k, n, k: m, transposeA: true }, a, dy, parity.expected(`${c.name}/grad/${right}`)],
      ];
      for (const [label, parts, first, second, expected] of products) {
        const problem = problemOf(parts);
        for (const plan of matmulCandidates(problem, gpu.target).filter(quick))
          expect(
            differs(
              `${label}, ${plan.variant}`,
              await runMatmul(gpu, { plan, problem, data: { a: first, b: second, bias: values('bias') } }),
              expected,
            ),
          ).toBe('');
      }
    },
    300_000,
  );
});

describe('the choice', () => {
  it('no part of a CPU driver’s product is larger than a uniform binding', () => {
    const size = fc.integer({ min: 1, max: 1500 });
    fc.assert(
      fc.property(size, size, size, (m, n, k) => {
        const [plan] = matmulCandidates(problemOf({ m, n, k }), { ...gpu.target, software: true, maxUniformBinding: 65536 });
        for (const { kernel, slots } of plan?.dispatches ?? [])
          slots.forEach((slot, i) => {
            if (kernel.bindings[i] === 'uniform' && typeof slot !== 'string') expect(slot.bytes).toBeLessThanOrEqual(65536);
          });
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  it('every plan stays within the limit of workgroups', () => {
    for (const parts of [
      { m: 5_000_000, n: 1 },
      { m: 1, n: 5_000_000 },
      { m: 9_000_000, n: 2 },
    ])
      for (const software of [true, false])
        for (const plan of matmulCandidates(problemOf({ ...parts, k: 3 }), { ...gpu.target, software }))
          for (const { workgroups } of plan.dispatches)
            expect(Math.max(...workgroups), plan.variant).toBeLessThanOrEqual(gpu.target.maxWorkgroups);
  });

  it('a reference, or a variant by its name', () => {
    const problem = problemOf({ m: 40, n: 40, k: 40 });
    expect(planMatmul(problem, { ...gpu.target, reference: true }).variant).toBe('matmul-direct');
    for (const { variant } of matmulCandidates(problem, gpu.target))
      expect(planMatmul(problem, { ...gpu.target, variant }).variant).toBe(variant);
  });
});
