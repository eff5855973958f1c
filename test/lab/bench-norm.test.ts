import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { benchNorms } from '../../packages/lab/src/bench/norm.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

describe('bench norm', () => {
  it('gated-group written from ops moves at most 1.5 times the bytes of group norm + add in one kernel', async () => {
    const rows = await benchNorms(device, { batch: 8, channels: 64, size: 16 });
    const passes = (norm: string, pass = 'forward'): number => rows.find((r) => r.norm === norm && r.pass === pass)?.passes ?? Number.NaN;
    // Statistics read the input, the other pass reads it and what is added, and writes: four times the input's bytes.
    expect(passes('group + add')).toBeLessThan(4.2);
    expect(passes('gated-group') / passes('group + add')).toBeLessThanOrEqual(1.5);
    expect(passes('gated-group', 'forward and backward') / passes('group + add', 'forward and backward')).toBeLessThanOrEqual(1.5);
  }, 300_000);
});
