import { type Conv2dProblem, conv2dCandidates, conv2dOutputSize, showConv2d } from '@initlab/kernels';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs, parityBound } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dGeometry } from './support/conv2d-geometry.js';
import { conv2dArrays, conv2dProblem, directions, runConv2d } from './support/conv2d-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu({ software: true });
});

const depthwise = (channels: number, parts: Partial<Conv2dProblem>): Conv2dProblem =>
  conv2dProblem({ inChannels: channels, outChannels: channels, groups: channels, ...parts });
const plain = { kernelHeight: 3, kernelWidth: 3, padding: [1, 1] as const };

/** Runs what a CPU driver takes for the three products, against float64; says what differs, and whose kernels ran. */
async function check(problem: Conv2dProblem, { bound = parityBound }: { bound?: Bound } = {}): Promise<{ wrong: string[]; own: number }> {
  const arrays = conv2dArrays(problem, 5);
  const wrong: string[] = [];
  let own = 0;
  for (const direction of directions) {
    const [plan] = conv2dCandidates(problem, direction, gpu.target);
    if (!plan) throw new Error('no candidate');
    own += plan.dispatches.some(({ kernel }) => /depthwise-software|-strips/.test(kernel.name)) ? 1 : 0;
    const result = await runConv2d(gpu, { problem, direction, plan, arrays });
    wrong.push(differs(`${plan.variant} of ${showConv2d(problem)}`, result, conv2dOnCpu(problem, direction, arrays), bound));
  }
  return { wrong: wrong.filter(Boolean), own };
}

describe('depthwise convolution for CPU drivers against float64', () => {
  it.each<[string, number, Partial<Conv2dProblem>]>([
    ['a layer of MobileNetV2', 24, { ...plain, batch: 2, inHeight: 8, inWidth: 16, bias: true }],
    ['strips of four, the last not whole', 8, { ...plain, batch: 2, inHeight: 5, inWidth: 7 }],
    ['narrower than a strip', 4, { ...plain, batch: 3, inHeight: 3, inWidth: 2, bias: true }],
    ['no padding', 8, { ...plain, padding: [0, 0], inHeight: 6, inWidth: 12 }],
    ['more padding than the filter reaches', 4, { ...plain, padding: [3, 4], inHeight: 4, inWidth: 5 }],
  ])('%s', async (_, channels, parts) => {
    expect(await check(depthwise(channels, parts))).toEqual({ wrong: [], own: 3 });
  });

  it('other filters: wide, tall, a column', async () => {
    for (const [kernelHeight, kernelWidth] of [
      [5, 5],
      [1, 7],
      [4, 1],
    ] as const)
      expect(await check(depthwise(8, { kernelHeight, kernelWidth, padding: [1, 2], inHeight: 8, inWidth: 9, bias: true }))).toEqual({
        wrong: [],
        own: 2,
      });
  });

  it('what is strided, dilated or not in whole vectors is left to others', async () => {
    expect((await check(depthwise(8, { ...plain, inHeight: 7, inWidth: 8, stride: [2, 2] }))).own).toBe(0);
    expect((await check(depthwise(6, { ...plain, inHeight: 7, inWidth: 8 }))).own).toBe(0);
  });

  it('any sizes', async () => {
    const problems = fc
      .record({ ...conv2dGeometry, channels: fc.integer({ min: 1, max: 5 }) })
      .map(({ channels, ...parts }) => depthwise(channels * 4, parts))
      .filter((problem) => conv2dOutputSize(problem).every((size) => size > 0));
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        expect((await check(problem)).wrong).toEqual([]);
      }),
      { numRuns: 25, seed: 9 },
    );
  });

  it('half precision storage, weights of either type', async () => {
    if (!gpu.target.f16) return;
    for (const weightDtype of ['f16', 'f32'] as const) {
      const problem = depthwise(8, { ...plain, inHeight: 6, inWidth: 8, dtype: 'f16', weightDtype, bias: true });
      // Results are rounded to half once; sums are single precision.
      expect(await check(problem, { bound: { absolute: 1e-6, relative: 1e-3 } })).toEqual({ wrong: [], own: 3 });
    }
  });
});
