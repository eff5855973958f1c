import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { zooStep } from '../../packages/lab/src/bench/zoo-step.js';
import { openPlannedDevice } from '../../packages/lab/src/plan/index.js';

/**
 * What the zoo's training steps run, as planned for an H100 and for a CPU driver: a change of the compiler or of the kernels
 * that is to change nothing shows here that it does not, and one that is to shows what. Nothing is run.
 * INITLAB_GOLDEN=write stores what is found as the new list.
 */
interface GoldenStep {
  readonly dispatches: number;
  readonly bytesMoved: number;
  readonly peakBytes: number;
  /** Hash of the kernels' names and workgroups in their order. */
  readonly order: string;
}
interface Golden {
  readonly steps: Record<string, GoldenStep>;
  /** Hash of the text of each kernel, by its name. */
  readonly kernels: Record<string, string>;
}

const file = new URL('zoo-steps.json', import.meta.url);
const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Golden>;
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Every family of the zoo, and norms that are ops of their own, are written from ops, or live in the weights. */
const models: readonly { readonly model: string; readonly norm?: string }[] = [
  { model: 'simple-cnn' },
  { model: 'resnet20' },
  { model: 'resnet8', norm: 'gated-group' },
  { model: 'resnet8', norm: 'layer' },
  { model: 'vgg11-bn' },
  { model: 'mobilenetv2' },
  { model: 'wrn16-2' },
  { model: 'plain-resnet8', norm: 'weight' },
  { model: 'fixup-resnet20' },
  { model: 'mlp3-32' },
  { model: 'cnn3-16', norm: 'group' },
  { model: 'densenet-bc-16-12' },
];

/** A CPU driver as lavapipe is on 256-bit vectors, whatever this machine has. */
const cpu = {
  adapter: 'a CPU driver, planned without one',
  software: true,
  f16: true,
  subgroups: true,
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
  maxWorkgroupStorage: 32768,
  maxInvocations: 1024,
  maxStorageBuffers: 16,
  maxStorageBinding: 2 ** 27,
};

const devices = new Map<string, Device>();
beforeAll(async () => {
  devices.set('h100', await openPlannedDevice('h100'));
  devices.set('cpu', await openDevice({ dawnOptions: ['backend=null'], target: cpu }));
});
afterAll(() => {
  for (const device of devices.values()) device.close();
});

function plan(device: Device): Golden {
  const found: Golden = { steps: {}, kernels: {} };
  for (const { model, norm } of models)
    for (const precision of ['f32', 'mixed'] as const) {
      device.pool.trim();
      device.pool.resetPeak();
      const { step, dispose } = zooStep(device, { model, batch: 32, precision, ...(norm === undefined ? {} : { norm }) });
      step.tunables();
      const { dispatchFacts, bytesMoved } = step.stats();
      for (const { kernel, source } of dispatchFacts) {
        const text = hash(source());
        // The same name twice with two texts is a fault of its own.
        expect(found.kernels[kernel] ?? text, kernel).toBe(text);
        found.kernels[kernel] = text;
      }
      found.steps[`${model}${norm ? ` ${norm}` : ''} ${precision}`] = {
        dispatches: dispatchFacts.length,
        bytesMoved,
        peakBytes: device.memory.peakBytes,
        order: hash(dispatchFacts.map((d) => `${d.op} ${d.kernel} ${d.workgroups.join('×')}`).join('\n')),
      };
      dispose();
    }
  return found;
}

it.each(['h100', 'cpu'])('the zoo’s steps as planned for %s are those of the list', (target) => {
  const found = plan(devices.get(target) as Device);
  if (process.env.INITLAB_GOLDEN === 'write') {
    stored[target] = found;
    writeFileSync(file, `${JSON.stringify(stored, null, 2)}\n`);
  }
  expect(found).toEqual(stored[target]);
});
