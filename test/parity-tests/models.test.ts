import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelCases, type ModelCases } from '../../packages/lab/src/selftest/model-cases.js';
import { runModelCase } from '../../packages/lab/src/selftest/run-models.js';

const file = new URL('../parity/models.json', import.meta.url).pathname;
let models: ModelCases;
let device: Device;
beforeAll(async () => {
  models = await loadModelCases(file);
  device = await openDevice();
});
afterAll(() => device.close());

// Eager runs of all eight are `initlab selftest`'s: here two, to keep the tests short on a CPU.
const runs = [
  ...[
    'simple-cnn-c10',
    'resnet20-c100',
    'resnet56-c100',
    'resnet110-c100',
    'vgg16-bn-c100',
    'mobilenetv2-c10',
    'wrn16-2-bn-c10',
    'wrn16-2-wn-c10',
  ].map((key) => [key, 'compiled'] as const),
  ['simple-cnn-c10', 'eager'] as const,
  ['wrn16-2-wn-c10', 'eager'] as const,
];

describe('models agree with PyTorch in float64', () => {
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
