import { add, type Device, ones, openDevice, scope } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareResults } from '../../packages/lab/src/bench/compare.js';
import { benchDispatch } from '../../packages/lab/src/bench/dispatch.js';
import { kernelShares, medianProfile } from '../../packages/lab/src/bench/profile.js';
import { benchStep } from '../../packages/lab/src/bench/step.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const lines = (...rows: object[]): string => rows.map((r) => JSON.stringify(r)).join('\n');

describe('comparing results', () => {
  const row = { model: 'resnet20', batch: 8, adapter: 'a' };

  it('matches rows by what they measure and flags what became slower', () => {
    const before = lines({ ...row, wallMs: 100, gpuMs: 90 }, { ...row, batch: 32, wallMs: 400 }, { ...row, model: 'gone', wallMs: 1 });
    const after = lines({ ...row, wallMs: 109, gpuMs: 900 }, { ...row, batch: 32, wallMs: 480 }, { ...row, model: 'new', wallMs: 1 });
    const { rows, unmatched, adapters } = compareResults(before, after, { tolerance: 0.1 });
    expect(rows.map((r) => [r.measure, r.ratio, r.regression])).toEqual([
      ['wallMs', 1.09, false],
      ['wallMs', 1.2, true],
    ]);
    expect(unmatched).toEqual(['model gone, batch 8', 'model new, batch 8']);
    expect(adapters).toEqual([]);
  });

  it('rows without timestamps are compared by what both have; shapes and norms tell rows apart', () => {
    const before = lines({ shape: [8, 16], norm: 'group', ms: 1, gpuMs: null }, { shape: [8, 64], norm: 'group', ms: 2 });
    const { rows } = compareResults(before, before, { tolerance: 0 });
    expect(rows.map((r) => r.name)).toEqual(['shape 8×16, norm group', 'shape 8×64, norm group']);
    expect(rows.some((r) => r.regression)).toBe(false);
  });

  it('says when the adapters differ, and which line is no JSON', () => {
    expect(compareResults(lines({ ...row, ms: 1 }), lines({ ...row, adapter: 'b', ms: 1 }), { tolerance: 0 }).adapters).toEqual(['a', 'b']);
    expect(() => compareResults('{"ms": 1}\nmodel resnet20', '', { tolerance: 0 })).toThrow('line 2');
  });
});

describe('benches', () => {
  it('a dispatch costs microseconds', async () => {
    const row = await benchDispatch(device, { dispatches: 32, rounds: 3 });
    expect(row.jsUs).toBeGreaterThan(0);
    expect(row.jsUs).toBeLessThan(row.wallUs * 1.5);
    expect(row.readbackMs).toBeLessThan(100);
  });

  it('a profile accounts for all products of a step, with shares that add up', async () => {
    const { profile = [], peaks } = await benchStep(device, { model: 'resnet8', batch: 4, rounds: 1, stepsPerRound: 1, profile: true });
    expect(peaks?.gigaflops).toBeGreaterThan(1);
    expect(profile.reduce((sum, r) => sum + r.share, 0)).toBeCloseTo(1, 2);
    const flops = profile.reduce((sum, r) => sum + r.flops, 0);
    // Convolutions and the classifier of ResNet-8, three products each, but for the first one's input gradient.
    const macs =
      3 * 16 * 9 * 1024 +
      2 * 16 * 16 * 9 * 1024 +
      (16 * 32 + 32 * 32) * 9 * 256 +
      16 * 32 * 256 +
      (32 * 64 + 64 * 64) * 9 * 64 +
      32 * 64 * 64 +
      640;
    expect(flops).toBe(2 * 4 * (3 * macs - 3 * 16 * 9 * 1024));
    expect(profile.every((r) => r.bytes > 0)).toBe(true);
    // A browser's timestamps are rounded to 65,536 ns; these must not be, or most kernels of a GPU took no time.
    const rounded = (ms: number): boolean => Math.abs((ms * 1e6) % 65536) < 1;
    const fine = await device.profile(() => scope(() => void add(ones([4, 4], { device }), 1)));
    expect(fine.some((r) => !rounded(r.milliseconds))).toBe(true);
  });

  it('several profiles are one of medians', () => {
    const row = { kernel: 'k', op: 'o', count: 2, milliseconds: 2, bytes: 2e6, flops: 1e9 };
    const other = { ...row, kernel: 'other', milliseconds: 3 };
    const profiles = [
      [row, other],
      [other, { ...row, milliseconds: 16 }],
      [
        { ...row, milliseconds: 4 },
        { ...other, milliseconds: 1 },
      ],
    ];
    expect(medianProfile(profiles)).toEqual([{ ...row, milliseconds: 4 }, other]);
  });

  it('shares and rates of a kernel', () => {
    const row = { kernel: 'k', op: 'o', count: 2, milliseconds: 2, bytes: 2e6, flops: 1e9 };
    const [share] = kernelShares([row, { ...row, milliseconds: 6 }], { gigaflops: 1000, gigabytesPerSecond: 10 });
    expect(share).toMatchObject({ share: 0.25, gigaflops: 500, gigabytesPerSecond: 1, roofline: 0.5 });
  });
});
