import { conv2dCandidates, planConv2d, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dProblem, directions } from './support/conv2d-run.js';
import { matrixTarget } from './support/matrix-emulation.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

describe('planner', () => {
  const problem = conv2dProblem({
    batch: 128,
    inChannels: 64,
    outChannels: 64,
    inHeight: 32,
    inWidth: 32,
    kernelHeight: 3,
    kernelWidth: 3,
    padding: [1, 1],
  });
  const real = (): Target => ({ ...gpu.target, software: false });

  it('takes the reference kernel, a named variant, the software family, a tile', () => {
    for (const direction of directions) {
      expect(planConv2d(problem, direction, { ...gpu.target, reference: true }).variant).toBe(`conv2d-${direction}-direct`);
      const variant = conv2dCandidates(problem, direction, real())[2]?.variant as string;
      expect(planConv2d(problem, direction, { ...real(), variant }).variant).toBe(variant);
      expect(planConv2d(problem, direction, { ...real(), variant: 'nothing of ours' }).variant).toBe(
        planConv2d(problem, direction, real()).variant,
      );
      expect(planConv2d(problem, direction, { ...gpu.target, software: true }).variant).toContain('software');
      expect(planConv2d(problem, direction, real()).variant).toContain('gemm');
      expect(planConv2d({ ...problem, groups: 64 }, direction, real()).variant).toContain('depthwise');
    }
  });

  it('takes one product for the input gradient of a strided 1×1 kernel', () => {
    const shortcuts = [
      [16, 32, 32],
      [32, 16, 64],
      [64, 56, 128],
      [256, 14, 512],
      [256, 56, 512],
      [1024, 14, 2048],
    ] as const;
    const matrices = matrixTarget(gpu.target);
    for (const [inChannels, size, outChannels] of shortcuts) {
      const sizes = { batch: 128, inChannels, outChannels, inHeight: size, inWidth: size, stride: [2, 2] as const };
      const [single, half] = [conv2dProblem(sizes), conv2dProblem({ ...sizes, dtype: 'f16' })];
      for (const [shortcut, target, family] of [
        [single, real(), 'gemm'],
        [single, { ...real(), maxWorkgroupStorage: 16384, maxInvocations: 256 }, 'gemm'],
        [half, matrices, 'matrix'],
        [single, { ...gpu.target, software: true }, 'software'],
      ] as const) {
        const { variant, dispatches } = planConv2d(shortcut, 'gradInput', target);
        expect(variant).toContain(`conv2d-gradInput-${family}`);
        expect(dispatches.filter(({ flops }) => flops !== undefined).length).toBe(1);
      }
    }
  });

  it('respects the limits of an adapter, and what 16 bits hold', () => {
    for (const direction of directions) {
      const small = { ...real(), maxWorkgroupStorage: 16384, maxInvocations: 128 };
      for (const { variant } of conv2dCandidates(problem, direction, small)) expect(variant).not.toMatch(/128x128|256x16/);
      expect(planConv2d({ ...problem, inHeight: 70000, inWidth: 1, batch: 1 }, direction, real()).variant).toContain('direct');
    }
  });
});
