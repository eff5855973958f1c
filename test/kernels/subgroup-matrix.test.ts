import {
  type Conv2dDirection,
  type Conv2dProblem,
  conv2dCandidates,
  type MatmulProblem,
  matmulCandidates,
  matrixTiles,
  type Plan,
  showConv2d,
  showMatrixTile,
  type Target,
} from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dArrays, conv2dProblem, directions, runConv2d } from './support/conv2d-run.js';
import { matmulHalfBound, matmulOnCpu, matmulOperands, matmulProblem, runMatmul, showMatmul } from './support/matmul-run.js';
import { emulated, matrixTarget, nvidiaConfigs } from './support/matrix-emulation.js';
import { openNullValidation } from './support/null-validation.js';

/** Results are rounded to half once; products are exact, sums single precision. */
const halfBound: Bound = { absolute: 1e-6, relative: 1e-3 };
/** f32 operands in two halves each keep 22 bits; sums are single precision. */
const splitBound: Bound = { absolute: 1e-7, relative: 2e-6 };
/** The tile that a software driver compiles quickest; the others have their turn in a test of their own. */
const small = /-matrix-64x16x32/;
const onMatrices = ({ variant }: Plan): boolean => variant.includes('-matrix-');
const candidates = (problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Plan[] =>
  conv2dCandidates(problem, direction, target).filter(onMatrices);
const half = (parts: Partial<Conv2dProblem>): Conv2dProblem => conv2dProblem({ dtype: 'f16', ...parts });

/** Unusual shapes: channels in eights, in fours, odd; strides that fall apart into phases; 1×1; long sums that are split. */
const shapes: readonly (readonly [string, Partial<Conv2dProblem>])[] = [
  [
    'channels in eights',
    { batch: 2, inChannels: 16, outChannels: 24, inHeight: 9, inWidth: 8, kernelHeight: 3, kernelWidth: 3, padding: [1, 1], bias: true },
  ],
  [
    'channels in fours, strided',
    {
      batch: 2,
      inChannels: 12,
      outChannels: 20,
      inHeight: 9,
      inWidth: 10,
      kernelHeight: 3,
      kernelWidth: 3,
      stride: [2, 2],
      padding: [1, 1],
    },
  ],
  [
    'odd channels, strided and dilated',
    {
      inChannels: 5,
      outChannels: 7,
      inHeight: 11,
      inWidth: 13,
      kernelHeight: 3,
      kernelWidth: 2,
      stride: [2, 3],
      dilation: [2, 1],
      padding: [3, 1],
      bias: true,
    },
  ],
  ['1×1', { batch: 3, inChannels: 24, outChannels: 8, inHeight: 5, inWidth: 7, bias: true }],
  ['1×1, strided, odd', { inChannels: 3, outChannels: 17, inHeight: 6, inWidth: 7, stride: [2, 2] }],
  [
    'several workgroups and parts',
    { batch: 3, inChannels: 40, outChannels: 72, inHeight: 8, inWidth: 8, kernelHeight: 3, kernelWidth: 3, padding: [1, 1], bias: true },
  ],
];

const ways = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));
const products: readonly Partial<MatmulProblem>[] = [
  { m: 96, n: 40, k: 72 },
  { m: 20, n: 12, k: 36, bias: true },
  { m: 37, n: 19, k: 131, bias: true },
  { m: 64, n: 64, k: 4096, bias: true },
].flatMap((sizes) => ways.map((way) => ({ ...sizes, ...way })));

describe('valid on Dawn’s null backend', () => {
  it('every tile, product, type and kind of shape', async () => {
    const gpu = await openRawGpu();
    const validation = await openNullValidation();
    const said: string[] = [];
    const types = [{ dtype: 'f16', weightDtype: 'f16' }, { dtype: 'f16', weightDtype: 'f32' }, { dtype: 'f32' }] as const;
    // The null device's subgroups are 128 wide: at some width, each tile's workgroup is a multiple of that.
    for (const { bake, subgroupSize, configs } of [
      { bake: false, subgroupSize: 32, configs: nvidiaConfigs },
      { bake: true, subgroupSize: 32, configs: nvidiaConfigs },
      { bake: false, subgroupSize: 64, configs: nvidiaConfigs },
      { bake: false, subgroupSize: 32, configs: nvidiaConfigs.filter(({ n }) => n === 8) },
      { bake: false, subgroupSize: 32, configs: nvidiaConfigs.filter(({ k }) => k === 8) },
    ]) {
      const target = matrixTarget(gpu.target, {
        immediates: true,
        maxWorkgroupStorage: 49152,
        maxInvocations: 1024,
        subgroupMinSize: subgroupSize,
        subgroupMaxSize: subgroupSize,
        subgroupMatrix: configs,
        splitF32: true,
        bake,
      });
      for (const dtypes of types) {
        for (const [, parts] of shapes)
          for (const direction of directions)
            for (const plan of candidates(conv2dProblem({ ...parts, ...dtypes }), direction, target))
              said.push(...(await validation.check(plan)));
        for (const parts of products)
          for (const plan of matmulCandidates(matmulProblem({ ...parts, dtype: dtypes.dtype }), target).filter(onMatrices))
            said.push(...(await validation.check(plan)));
      }
    }
    expect(said.slice(0, 5)).toEqual([]);
    for (const tile of matrixTiles)
      for (const product of ['conv2d-forward', 'conv2d-gradInput', 'conv2d-gradWeight', 'matmul']) {
        const start = `${product}-matrix-${showMatrixTile(tile)}-u`;
        expect(
          [...validation.piped].some((name) => name.startsWith(start)),
          start,
        ).toBe(true);
      }
    console.log(validation.seen.size, validation.piped.size);
  });
});

// The emulation has its own subgroups: on other widths of lavapipe's it would only repeat.
describe.skipIf(process.env.LP_NATIVE_VECTOR_WIDTH)('emulated, against float64', () => {
  let gpu: RawGpu;
  beforeAll(async () => {
    gpu = await openRawGpu();
  });

  async function check(problem: Conv2dProblem, pick: RegExp, parts: Partial<Target> = {}): Promise<string[]> {
    if (!gpu.target.f16) return [];
    const target = matrixTarget(gpu.target, { splitF32: true, ...parts });
    const arrays = conv2dArrays(problem, 11);
    const wrong: string[] = [];
    for (const direction of directions) {
      const expected = conv2dOnCpu(problem, direction, arrays);
      const plans = candidates(problem, direction, target).filter(({ variant }) => pick.test(variant));
      expect(plans.length).toBeGreaterThan(0);
      for (const plan of plans) {
        const t0 = performance.now();
        const got = await runConv2d(gpu, { problem, direction, plan: emulated(plan, target.subgroupMaxSize), arrays });
        wrong.push(differs(`${plan.variant} of ${showConv2d(problem)}`, got, expected, problem.dtype === 'f16' ? halfBound : splitBound));
        console.log(plan.variant, ((performance.now() - t0) / 1e3).toFixed(2));
      }
    }
    return wrong.filter(Boolean);
  }

  async function checkProduct(problem: MatmulProblem, pick: RegExp): Promise<string[]> {
    if (!gpu.target.f16) return [];
    const target = matrixTarget(gpu.target, { splitF32: true });
    const data = matmulOperands(problem);
    const expected = matmulOnCpu(problem, data);
    const plans = matmulCandidates(problem, target).filter((plan) => onMatrices(plan) && pick.test(plan.variant));
    expect(plans.length).toBeGreaterThan(0);
    const wrong: string[] = [];
    for (const plan of plans) {
      const got = await runMatmul(gpu, { plan: emulated(plan, target.subgroupMaxSize), problem, data });
      wrong.push(
        differs(`${plan.variant} of ${showMatmul(problem)}`, got, expected, problem.dtype === 'f16' ? matmulHalfBound : splitBound),
      );
    }
    return wrong.filter(Boolean);
  }

  it.each(shapes)('%s', async (_, parts) => {
    expect(await check(half(parts), small)).toEqual([]);
  });

  it.each(shapes)('f32 in halves: %s', async (_, parts) => {
    expect(await check(conv2dProblem(parts), small)).toEqual([]);
  });

  it('f32 weights beside f16 activations', async () => {
    expect(await check(half({ ...shapes[0]?.[1], weightDtype: 'f32' }), small)).toEqual([]);
  });

  it.each(['f16', 'f32'] as const)('matrix products of %s, both operands either way', async (dtype) => {
    for (const parts of products) expect(await checkProduct(matmulProblem({ ...parts, dtype }), small)).toEqual([]);
  });

  it('a narrower unit, subgroups of 16, sizes in the code, a grid spread over two dimensions', async () => {
    const problem = half(shapes[1]?.[1] ?? {});
    for (const k of [16, 8])
      expect(await check(problem, small, { subgroupMatrix: nvidiaConfigs.filter((c) => c.n === 8 && c.k === k) })).toEqual([]);
    expect(await check(problem, small, { subgroupMinSize: 16, subgroupMaxSize: 16 })).toEqual([]);
    expect(await check(problem, small, { bake: true })).toEqual([]);
    expect(await check(problem, small, { maxWorkgroups: 5 })).toEqual([]);
  });

  it.each(matrixTiles.map((tile) => showMatrixTile(tile)))('tile %s', async (tile) => {
    expect(await check(half(shapes[0]?.[1] ?? {}), new RegExp(`-matrix-${tile}-u`))).toEqual([]);
  });
});
