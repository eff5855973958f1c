import { type Conv2dProblem, conv2dFlops, conv2dOutputSize, planConv2d, showConv2d, type Target } from '@initlab/kernels';
import { planSoftwareConv2d } from '@initlab/kernels/adapter-kernels';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs, parityBound } from '../support/close.js';
import { loadOpParity } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dGeometry } from './support/conv2d-geometry.js';
import { conv2dArrays, conv2dProblem, directions, parityProblem, runConv2d } from './support/conv2d-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu({ software: true });
});

/** Runs the three products on the kernels for CPU drivers, against float64; says what differs. */
async function check(
  problem: Conv2dProblem,
  { on = gpu, target = on.target, bound = parityBound }: { on?: RawGpu; target?: Target; bound?: Bound } = {},
): Promise<string[]> {
  const arrays = conv2dArrays(problem, 5);
  const wrong: string[] = [];
  for (const direction of directions) {
    const plan = planSoftwareConv2d(problem, direction, target);
    if (!plan) wrong.push(`${direction} of ${showConv2d(problem)} has no plan`);
    else {
      const result = await runConv2d(on, { problem, direction, plan, arrays });
      wrong.push(differs(`${plan.variant} of ${showConv2d(problem)}`, result, conv2dOnCpu(problem, direction, arrays), bound));
    }
  }
  return wrong.filter(Boolean);
}

const plain = { kernelHeight: 3, kernelWidth: 3, padding: [1, 1] as const };

describe('convolution for CPU drivers against float64', () => {
  it.each<[string, Partial<Conv2dProblem>]>([
    ['one element', { inChannels: 1, outChannels: 1 }],
    ['a layer of ResNet-20', { ...plain, batch: 2, inChannels: 16, outChannels: 16, inHeight: 8, inWidth: 8, bias: true }],
    ['stride 2', { ...plain, batch: 2, inChannels: 16, outChannels: 32, inHeight: 8, inWidth: 8, stride: [2, 2] }],
    ['stride 2 of an odd size', { ...plain, inChannels: 4, outChannels: 20, inHeight: 7, inWidth: 9, stride: [2, 2], bias: true }],
    ['a shortcut', { batch: 2, inChannels: 16, outChannels: 32, inHeight: 8, inWidth: 8, stride: [2, 2] }],
    ['images of three channels', { ...plain, batch: 2, inChannels: 3, outChannels: 16, inHeight: 8, inWidth: 8, bias: true }],
    ['odd channels on both sides', { ...plain, batch: 3, inChannels: 5, outChannels: 7, inHeight: 5, inWidth: 6, bias: true }],
    [
      '7×7 of stride 2',
      { inChannels: 3, outChannels: 8, inHeight: 13, inWidth: 13, kernelHeight: 7, kernelWidth: 7, stride: [2, 2], padding: [3, 3] },
    ],
    [
      '5×3, stride 2 down, 1 across',
      { inChannels: 4, outChannels: 4, inHeight: 9, inWidth: 7, kernelHeight: 5, kernelWidth: 3, stride: [2, 1], padding: [2, 1] },
    ],
    ['dilation 2', { ...plain, inChannels: 4, outChannels: 4, inHeight: 8, inWidth: 9, dilation: [2, 2], padding: [2, 2] }],
    ['stride 2 with dilation 2', { ...plain, inChannels: 4, outChannels: 4, inHeight: 9, inWidth: 9, stride: [2, 2], dilation: [2, 2] }],
    [
      'stride larger than the kernel',
      { inChannels: 4, outChannels: 4, inHeight: 8, inWidth: 8, kernelHeight: 2, kernelWidth: 2, stride: [3, 3] },
    ],
    [
      'a shortcut of odd sizes and channels, padded',
      { batch: 3, inChannels: 5, outChannels: 21, inHeight: 7, inWidth: 9, stride: [2, 3], padding: [1, 0] },
    ],
    ['strides that leave most pixels 0', { inChannels: 8, outChannels: 4, inHeight: 13, inWidth: 12, stride: [5, 6] }],
    [
      'more padding than kernel',
      { inChannels: 4, outChannels: 4, inHeight: 3, inWidth: 3, kernelHeight: 3, kernelWidth: 3, padding: [4, 4] },
    ],
    ['a row', { ...plain, batch: 2, inChannels: 8, outChannels: 4, inHeight: 1, inWidth: 37 }],
    ['a column', { ...plain, batch: 2, inChannels: 8, outChannels: 4, inHeight: 37, inWidth: 1 }],
    ['eight outputs an invocation', { ...plain, batch: 2, inChannels: 64, outChannels: 36, inHeight: 5, inWidth: 8, bias: true }],
    ['filters beyond a uniform binding', { ...plain, inChannels: 64, outChannels: 36, inHeight: 4, inWidth: 4 }],
    ['several parts of the weight gradient', { ...plain, batch: 5, inChannels: 4, outChannels: 4, inHeight: 32, inWidth: 32 }],
  ])('%s', async (_, parts) => {
    expect(await check(conv2dProblem(parts))).toEqual([]);
  });

  it('other subgroups: none, none known', async () => {
    const problem = conv2dProblem({ ...plain, batch: 2, inChannels: 8, outChannels: 20, inHeight: 6, inWidth: 6, bias: true });
    expect(await check(problem, { target: { ...gpu.target, subgroups: false } })).toEqual([]);
    expect(await check(problem, { target: { ...gpu.target, subgroupMinSize: 4, subgroupMaxSize: 64 } })).toEqual([]);
  });

  it('scalars through a uniform buffer', async () => {
    const other = await openRawGpu({ software: true, immediates: false });
    const problem = conv2dProblem({ ...plain, batch: 2, inChannels: 8, outChannels: 8, inHeight: 6, inWidth: 6, stride: [2, 2] });
    expect(await check(problem, { on: other })).toEqual([]);
  });

  it('any sizes', async () => {
    const channels = fc.integer({ min: 1, max: 21 });
    const problems = fc
      .record({ ...conv2dGeometry, inChannels: channels, outChannels: channels, inWidth: fc.integer({ min: 1, max: 19 }) })
      .map(conv2dProblem)
      .filter((problem) => conv2dOutputSize(problem).every((size) => size > 0) && conv2dFlops(problem) < 4e5);
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        expect(await check(problem)).toEqual([]);
      }),
      { numRuns: 40, seed: 7 },
    );
  }, 300_000);
});

const parity = loadOpParity();
const dense = parity.cases.filter((c) => c.op === 'conv2d' && c.attrs.groups === 1);

describe('PyTorch cases', () => {
  it.each(dense)('$name', async (c) => {
    const { problem, arrays, expected } = parityProblem(c, parity);
    for (const direction of directions) {
      const plan = planConv2d(problem, direction, gpu.target);
      expect(plan.variant).toContain('software');
      expect(differs(direction, await runConv2d(gpu, { problem, direction, plan, arrays }), expected[direction])).toBe('');
    }
  });
});

describe('half precision storage', () => {
  it.each<[string, Partial<Conv2dProblem>]>([
    ['whole vectors', { inChannels: 8, outChannels: 20 }],
    ['odd channels', { inChannels: 3, outChannels: 5 }],
    ['odd channels on one side', { inChannels: 4, outChannels: 7 }],
  ])('%s, weights of either type', async (_, channels) => {
    if (!gpu.target.f16) return;
    for (const weightDtype of ['f16', 'f32'] as const) {
      const problem = conv2dProblem({ ...plain, ...channels, inHeight: 6, inWidth: 7, dtype: 'f16', weightDtype, bias: true });
      // Results are rounded to half once; sums are single precision.
      expect(await check(problem, { bound: { absolute: 1e-6, relative: 1e-3 } })).toEqual([]);
    }
  });
});

describe('what is left to others', () => {
  it.each<[string, Partial<Conv2dProblem>]>([
    ['groups', { inChannels: 4, outChannels: 4, groups: 2 }],
    ['sizes beyond 16 bits', { inChannels: 4, outChannels: 4, inWidth: 40_000 }],
  ])('%s', (_, parts) => {
    for (const direction of directions) {
      expect(planSoftwareConv2d(conv2dProblem(parts), direction, gpu.target)).toBeUndefined();
      expect(planConv2d(conv2dProblem(parts), direction, gpu.target).dispatches.length).toBeGreaterThan(0);
    }
  });

  it('an input gradient of very many phases', () => {
    const sizes = { inHeight: 20, inWidth: 20, kernelHeight: 5, kernelWidth: 5, stride: [5, 5] as const };
    const problem = conv2dProblem({ inChannels: 4, outChannels: 4, ...sizes });
    expect(planSoftwareConv2d(problem, 'gradInput', gpu.target)).toBeUndefined();
    expect(planSoftwareConv2d(problem, 'forward', gpu.target)).toBeDefined();
  });
});

it('layers of different shapes share their pipelines', () => {
  const names = (problem: Partial<Conv2dProblem>): string[] =>
    directions
      .flatMap(
        (direction) =>
          planSoftwareConv2d(conv2dProblem({ ...plain, ...problem }), direction, { ...gpu.target, bake: true })?.dispatches ?? [],
      )
      .map((d) => d.kernel.name);
  const first = names({ batch: 8, inChannels: 16, outChannels: 16, inHeight: 32, inWidth: 32 });
  expect(names({ batch: 8, inChannels: 32, outChannels: 32, inHeight: 16, inWidth: 16 })).toEqual(first);
  expect(new Set(first).size).toBe(5);
});
