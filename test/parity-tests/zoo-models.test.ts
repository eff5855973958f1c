import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelCases, type ModelCases } from '../../packages/lab/src/selftest/model-cases.js';
import { runModelCase } from '../../packages/lab/src/selftest/run-models.js';

const file = new URL('../parity/torchvision.json', import.meta.url).pathname;
let models: ModelCases;
let device: Device;
beforeAll(async () => {
  models = await loadModelCases(file);
  device = await openDevice();
});
afterAll(() => device.close());

// Each once: eager where layers have many sizes, each of which would be a kernel of its own in a compiled step.
const runs = [
  ['imagenet-resnet18-x0.125-c10', 'compiled'],
  ['imagenet-resnet50-x0.125-c10', 'eager'],
  ['imagenet-densenet121-x0.125-c10', 'eager'],
  ['imagenet-convnext-tiny-x0.125-c10', 'compiled'],
  ['densenet-bc-22-12-c10', 'eager'],
  ['preact-resnet14-c10', 'eager'],
  ['preact-resnet20-bottleneck-c10', 'compiled'],
] as const;

describe('torchvision’s nets and those of further papers agree with PyTorch in float64 (test/parity/parity_torchvision.py)', () => {
  it.each(runs)(
    '%s, %s',
    async (key, mode) => {
      const expected = models.models[key];
      if (!expected) throw new Error(`the file has no ${key}`);
      const result = await runModelCase(key, expected, { baseSeed: models.base_seed, mode, device });
      expect(result.failures).toEqual([]);
    },
    300_000,
  );
});
