import { conv2dCandidates, planConv2d, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dProblem, directions } from './support/conv2d-run.js';

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

  it('respects the limits of an adapter, and what 16 bits hold', () => {
    for (const direction of directions) {
      const small = { ...real(), maxWorkgroupStorage: 16384, maxInvocations: 128 };
      for (const { variant } of conv2dCandidates(problem, direction, small)) expect(variant).not.toMatch(/128x128|256x16/);
      expect(planConv2d({ ...problem, inHeight: 70000, inWidth: 1, batch: 1 }, direction, real()).variant).toContain('direct');
    }
  });
});
