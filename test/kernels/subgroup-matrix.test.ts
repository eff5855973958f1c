import {
  type Conv2dDirection,
  type Conv2dProblem,
  conv2dCandidates,
  matrixTiles,
  type Plan,
  showMatrixTile,
  type Target,
} from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dArrays, conv2dProblem, directions, runConv2d } from './support/conv2d-run.js';
import { emulated, matrixTarget } from './support/matrix-emulation.js';
import { openNullValidation } from './support/null-validation.js';

/** Results are rounded to half once; products are exact, sums single precision. */
const halfBound: Bound = { absolute: 1e-6, relative: 1e-3 };
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

describe('valid on Dawn’s null backend', () => {
  it('every tile, product, type and kind of shape', async () => {
    const gpu = await openRawGpu();
    const validation = await openNullValidation();
    const said: string[] = [];
    for (const subgroupSize of [32, 64, 128])
      for (const bake of [false, true]) {
        const target = matrixTarget(gpu.target, {
          immediates: true,
          maxWorkgroupStorage: 49152,
          maxInvocations: 1024,
          subgroupMinSize: subgroupSize,
          subgroupMaxSize: subgroupSize,
          bake,
        });
        for (const weightDtype of ['f16', 'f32'] as const)
          for (const [, parts] of shapes)
            for (const direction of directions)
              for (const plan of candidates(half({ ...parts, weightDtype }), direction, target))
                said.push(...(await validation.check(plan)));
      }
    expect(said.slice(0, 5)).toEqual([]);
    for (const tile of matrixTiles)
      for (const direction of directions) {
        const start = `conv2d-${direction}-matrix-${showMatrixTile(tile)}-u`;
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

  async function check(problem: Conv2dProblem, pick: RegExp, target: Partial<Target> = {}): Promise<string[]> {
    const arrays = conv2dArrays(problem, 11);
    const wrong: string[] = [];
    for (const direction of directions) {
      const expected = conv2dOnCpu(problem, direction, arrays);
      for (const plan of candidates(problem, direction, matrixTarget(gpu.target, target)).filter(({ variant }) => pick.test(variant))) {
        const t0 = performance.now();
        wrong.push(
          differs(plan.variant, await runConv2d(gpu, { problem, direction, plan: emulated(plan, 32), arrays }), expected, halfBound),
        );
        console.log(plan.variant, ((performance.now() - t0) / 1e3).toFixed(2));
      }
    }
    return wrong.filter(Boolean);
  }

  it.each(shapes)('%s', async (_, parts) => {
    if (!gpu.target.f16) return;
    expect(await check(half(parts), /-64x16x32/)).toEqual([]);
  });
});
