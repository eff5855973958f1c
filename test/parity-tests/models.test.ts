import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelCases, type ModelCase, type ModelCases } from '../../packages/lab/src/selftest/model-cases.js';
import { runModelCase } from '../../packages/lab/src/selftest/run-models.js';

const load = (name: string): Promise<ModelCases> => loadModelCases(new URL(`../parity/${name}`, import.meta.url).pathname);
let models: ModelCases;
let further: ModelCases;
let device: Device;
beforeAll(async () => {
  models = await load('models.json');
  further = await load('torchvision.json');
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

// Each once: eager where layers have many sizes, each of which would be a kernel of its own in a compiled step.
const furtherRuns = [
  ['imagenet-resnet18-x0.125-c10', 'compiled'],
  ['imagenet-resnet50-x0.125-c10', 'eager'],
  ['imagenet-densenet121-x0.125-c10', 'eager'],
  ['imagenet-convnext-tiny-x0.125-c10', 'compiled'],
  ['densenet-bc-22-12-c10', 'eager'],
  ['preact-resnet14-c10', 'eager'],
  ['preact-resnet20-bottleneck-c10', 'compiled'],
] as const;

describe('in float64 PyTorch agrees with', () => {
  const agrees = async ({ models, base_seed: baseSeed }: ModelCases, key: string, mode: 'eager' | 'compiled'): Promise<void> => {
    const expected = models[key];
    if (!expected) throw new Error(`the file has no ${key}`);
    const result = await runModelCase(key, expected, { baseSeed, mode, device });
    expect(result.failures).toEqual([]);
  };
  it.each(runs)('%s, %s', (key, mode) => agrees(models, key, mode), 300_000);
  it.each(furtherRuns)('%s, %s (test/parity/parity_torchvision.py)', (key, mode) => agrees(further, key, mode), 300_000);
});

describe('what is further off than the bound', () => {
  const run = (change: (expected: ModelCase) => void) => {
    const expected = structuredClone(models.models['simple-cnn-c10'] as ModelCase);
    change(expected);
    return runModelCase('simple-cnn-c10', expected, { baseSeed: models.base_seed, mode: 'eager', device });
  };
  /** The loss of the second step, off by this share of itself, where PyTorch's own float32 is off by 1 %. */
  const lossOff = (share: number) =>
    run((expected) => {
      expected.pytorch_f32_error.losses[1] = 0.01;
      expected.losses[1] = (expected.losses[1] as number) * (1 + share);
    });
  /** One gradient's norm likewise, where PyTorch's own largest error is 2 %. */
  const gradientOff = (share: number) =>
    run((expected) => {
      expected.pytorch_f32_error.grad_norm = 0.02;
      const last = expected.parameters.at(-1) as ModelCase['parameters'][number];
      last.grad_norm *= 1 + share;
    });

  it('fails beyond three times PyTorch’s own float32 error, and not within', async () => {
    expect((await lossOff(0.028)).failures).toEqual([]);
    expect((await lossOff(0.033)).failures).toEqual([expect.stringMatching(/^loss at step 1 .*bound 3\.00e-2$/)]);
    expect((await gradientOff(0.055)).failures).toEqual([]);
    expect((await gradientOff(0.07)).failures).toEqual([expect.stringMatching(/^gradient norm of network\.9\.bias .*bound 6\.00e-2$/)]);
  });

  it('fails where PyTorch is exact to the last digits, too', async () => {
    const off = await run((expected) => {
      expected.logits_train = expected.logits_train.map((row) => row.map((logit) => logit * 1.0003));
    });
    expect(off.failures).toEqual([expect.stringMatching(/^logits in training mode: .*bound 1\.00e-4$/)]);
  });
});
