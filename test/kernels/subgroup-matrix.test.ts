import {
  type Conv2dDirection,
  type Conv2dProblem,
  conv2dCandidates,
  conv2dOutputSize,
  matmulCandidates,
  matrixTiles,
  type Plan,
  planConv2d,
  showConv2d,
  showMatrixTile,
  type Target,
} from '@initlab/kernels';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dGeometry } from './support/conv2d-geometry.js';
import { conv2dArrays, conv2dProblem, directions, runConv2d } from './support/conv2d-run.js';
import { matmulProblem } from './support/matmul-run.js';
import { emulated, matrixTarget, nvidiaConfigs } from './support/matrix-emulation.js';
import { matrixConvs, matrixProducts, onMatrices, smallTile } from './support/matrix-shapes.js';
import { openNullValidation } from './support/null-validation.js';

/** Results are rounded to half once; products are exact, sums single precision. */
const halfBound: Bound = { absolute: 1e-6, relative: 1e-3 };
const half = (parts: Partial<Conv2dProblem>): Conv2dProblem => conv2dProblem({ dtype: 'f16', ...parts });
const candidates = (problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Plan[] =>
  conv2dCandidates(problem, direction, target).filter(onMatrices);

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

describe('valid on Dawn’s null backend', () => {
  it('every tile, product, type and kind of shape', async () => {
    const validation = await openNullValidation();
    const said: string[] = [];
    const halves = { dtype: 'f16', weightDtype: 'f16' } as const;
    const mixed = { dtype: 'f16', weightDtype: 'f32' } as const;
    const split = { dtype: 'f32', weightDtype: 'f32' } as const;
    const few = [matrixConvs.eights, matrixConvs['odd, strided and dilated']];
    for (const { types, shapes = few, subgroupSize = 32, configs = nvidiaConfigs, bake = false, typedMatrixMemory = false } of [
      { types: [halves, mixed, split], shapes: Object.values(matrixConvs) },
      { types: [halves], bake: true },
      { types: [halves, split], typedMatrixMemory: true },
      { types: [halves], subgroupSize: 64 },
      { types: [halves], configs: nvidiaConfigs.filter(({ n }) => n === 8) },
      { types: [halves], configs: nvidiaConfigs.filter(({ k }) => k === 8) },
    ]) {
      const target = matrixTarget(gpu.target, {
        immediates: true,
        maxWorkgroupStorage: 49152,
        maxInvocations: 1024,
        subgroupMinSize: subgroupSize,
        subgroupMaxSize: subgroupSize,
        subgroupMatrix: configs,
        splitF32: true,
        typedMatrixMemory,
        bake,
      });
      for (const type of types) {
        for (const parts of shapes)
          for (const direction of directions)
            for (const plan of candidates(conv2dProblem({ ...parts, ...type }), direction, target))
              said.push(...(await validation.check(plan)));
        for (const parts of matrixProducts.filter((_, i) => shapes !== few || i % 5 === 0))
          for (const plan of matmulCandidates(matmulProblem({ ...parts, dtype: type.dtype }), target).filter(onMatrices))
            said.push(...(await validation.check(plan)));
      }
    }
    expect(said.slice(0, 5)).toEqual([]);
    for (const tile of matrixTiles)
      for (const product of ['conv2d-forward', 'conv2d-gradInput', 'conv2d-gradWeight', 'matmul']) {
        const start = `${product}-matrix tile=${showMatrixTile(tile)} unit=`;
        expect(
          [...validation.piped].some((name) => name.startsWith(start)),
          start,
        ).toBe(true);
      }
  });
});

describe('emulated, against float64', () => {
  interface Check {
    readonly pick?: RegExp;
    readonly products?: readonly Conv2dDirection[];
    readonly target?: Partial<Target>;
  }

  async function check(problem: Conv2dProblem, { pick = smallTile, products = directions, target: parts = {} }: Check = {}) {
    if (!gpu.target.f16) return [];
    const target = matrixTarget(gpu.target, parts);
    const arrays = conv2dArrays(problem, 11);
    const wrong: string[] = [];
    for (const direction of products) {
      const expected = conv2dOnCpu(problem, direction, arrays);
      const plans = candidates(problem, direction, target).filter(({ variant }) => pick.test(variant));
      expect(plans.length).toBeGreaterThan(0);
      for (const plan of plans) {
        const got = await runConv2d(gpu, { problem, direction, plan: emulated(plan, target.subgroupMaxSize), arrays });
        wrong.push(differs(`${plan.variant} of ${showConv2d(problem)}`, got, expected, halfBound));
      }
    }
    return wrong.filter(Boolean);
  }

  it.each(Object.entries(matrixConvs))('channels: %s', async (_, parts) => {
    expect(await check(half(parts))).toEqual([]);
  });

  it('f32 weights beside f16 activations', async () => {
    expect(await check(half({ ...matrixConvs.eights, weightDtype: 'f32' }))).toEqual([]);
  });

  it('other units, subgroups of 16, sizes in the code, a grid spread over two dimensions, typed memory', async () => {
    const problem = half(matrixConvs.eights);
    const products = ['forward', 'gradWeight'] as const;
    for (const k of [16, 8]) {
      const subgroupMatrix = nvidiaConfigs.filter((c) => c.n === 8 && c.k === k);
      expect(await check(problem, { products, target: { subgroupMatrix } })).toEqual([]);
    }
    expect(await check(problem, { products, target: { subgroupMinSize: 16, subgroupMaxSize: 16 } })).toEqual([]);
    expect(await check(problem, { products, target: { bake: true } })).toEqual([]);
    expect(await check(problem, { products, target: { maxWorkgroups: 2 } })).toEqual([]);
    expect(await check(problem, { products, target: { typedMatrixMemory: true } })).toEqual([]);
    const spread = half(matrixConvs['fours, strides beyond the kernel']);
    expect(await check(spread, { products: ['gradInput'], target: { bake: true } })).toEqual([]);
  });

  // The input gradient's kernels are the forward's, but for their phases; the weight gradient's differ from tile to tile in
  // their numbers, and in what is fetched ahead. The largest tiles take this driver's compiler ten seconds each.
  it.each(matrixTiles.map((tile) => ({ tile, name: showMatrixTile(tile) })))('tile $name', async ({ tile, name }) => {
    const products = tile.prefetch && tile.m * tile.n <= 4096 ? (['forward', 'gradWeight'] as const) : (['forward'] as const);
    expect(await check(half(matrixConvs.eights), { pick: new RegExp(`-matrix-${name}-u`), products })).toEqual([]);
  });

  it('random problems', async () => {
    const channels = fc.constantFrom(1, 3, 4, 7, 8, 16, 20, 33);
    const problems = fc
      .record({ ...conv2dGeometry, inChannels: channels, outChannels: channels })
      .map(half)
      .filter((problem) => conv2dOutputSize(problem).every((size) => size >= 1));
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        expect(await check(problem)).toEqual([]);
      }),
      { numRuns: 5, seed: 8 },
    );
  }, 240_000);
});

describe('the planner takes matrix units', () => {
  const problem = half({ ...matrixConvs.eights, batch: 128, inHeight: 32, inWidth: 32 });
  const chosen = (parts: Partial<Target>, change: Partial<Conv2dProblem> = {}): string[] =>
    directions.map((direction) => planConv2d({ ...problem, ...change }, direction, matrixTarget(gpu.target, parts)).variant);

  it('for dense halves, where the adapter has them and one size of subgroups', () => {
    for (const variant of chosen({})) expect(variant).toContain('-matrix-');
    const without: Partial<Target>[] = [
      { f16: false },
      { subgroups: false },
      { subgroupMatrix: [] },
      { subgroupMinSize: 16 },
      { software: true },
    ];
    for (const parts of without) for (const variant of chosen(parts)) expect(variant).not.toContain('-matrix-');
    const results = nvidiaConfigs.filter((config) => config.resultComponentType === 'f16');
    for (const variant of [...chosen({ subgroupMatrix: results }), ...chosen({}, { groups: 8 })]) expect(variant).not.toContain('-matrix-');
  });

  it('for f32 where it is asked to', () => {
    for (const variant of chosen({}, { dtype: 'f32' })) expect(variant).not.toContain('-matrix-');
    for (const variant of chosen({ splitF32: true }, { dtype: 'f32' })) expect(variant).toMatch(/-matrix-.*-halves/);
  });

  it('within the limits', () => {
    const sizes = (parts: Partial<Target>): string[] =>
      directions.flatMap((direction) => candidates(problem, direction, matrixTarget(gpu.target, parts)).map(({ variant }) => variant));
    for (const variant of sizes({ maxWorkgroupStorage: 16384 })) expect(variant).not.toMatch(/-matrix-(128x128|256x16x32)/);
    expect(sizes({ maxWorkgroupStorage: 16384 }).length).toBeGreaterThan(0);
    expect(sizes({ maxInvocations: 32 })).toEqual([]);
  });
});
