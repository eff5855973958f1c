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
    const passesOf = async (channels: number): Promise<(norm: string, pass?: string) => number> => {
      const rows = await benchNorms(device, { batch: 8, channels, size: 16, only: ['gated-group', 'group + add'] });
      return (norm, pass = 'forward') => rows.find((r) => r.norm === norm && r.pass === pass)?.passes ?? Number.NaN;
    };
    const [one, two] = [await passesOf(16), await passesOf(64)];
    // Statistics read the input, the other pass reads it and what is added, and writes: four times the input's bytes.
    expect(two('group + add')).toBeLessThan(4.2);
    expect(two('gated-group') / two('group + add')).toBeLessThanOrEqual(1.5);
    // Where groups are two channels wide a CPU driver runs more passes backward, which are faster there.
    const both = 'forward and backward';
    expect(one('gated-group', both) / one('group + add', both)).toBeLessThanOrEqual(1.5);
  }, 300_000);
});
