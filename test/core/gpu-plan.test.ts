import { Device } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zooStep } from '../../packages/lab/src/bench/zoo-step.js';

/**
 * What a training step is on a GPU, planned for one without having one: Dawn's null backend allocates and compiles but runs
 * nothing. The limits are an H100's.
 */
let device: Device;
beforeAll(async () => {
  const target = {
    adapter: 'planned for a GPU',
    software: false,
    f16: true,
    subgroups: true,
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
    maxWorkgroupStorage: 49152,
    maxInvocations: 1024,
    maxStorageBuffers: 16,
    maxStorageBinding: 2 ** 31 - 4,
  };
  device = await Device.open({ dawnOptions: ['backend=null'], target });
});
afterAll(() => device.close());

describe('a step planned for a GPU', () => {
  it('ResNet-56, batch 128: few dispatches, and no more memory than PyTorch takes', () => {
    const { step, dispose } = zooStep(device, { model: 'resnet56', batch: 128 });
    step.tunables();
    // PyTorch 2.11 in eager mode: 684 MiB on an H100.
    expect(device.memory.peakBytes / 2 ** 20).toBeLessThanOrEqual(684);
    expect(step.stats().dispatches).toBeLessThanOrEqual(330);
    dispose();
  });
});
