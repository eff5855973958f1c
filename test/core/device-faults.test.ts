import { readdirSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { add, type Device, DeviceError, defaultDevice, ones, openDevice, setDefaultDevice, tensor } from '@initlab/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleForBrowser, runInBrowser } from '../support/browser.js';
import { planWith, run, runFaulty } from './support/faulty-device.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice({ label: 'main' });
});
afterAll(() => device.close());
afterEach(() => void vi.restoreAllMocks());

/** Upload more than the buffer holds: the driver refuses that, whatever was checked before. */
function spoil(on: Device): void {
  const x = tensor([1], { device: on });
  const { region } = x.storage;
  if (region) on.writeRegion(region, new Uint8Array(4096));
  x.dispose();
}

describe('a dispatch that cannot run', () => {
  const x = () => ones([4], { device });
  const cases: [string, () => void, RegExp][] = [
    [
      'of no workgroup count',
      () => runFaulty(planWith({ workgroups: [Number.NaN, 1, 1] }), x(), x()),
      /faulty: kernel faulty .* workgroups/,
    ],
    ['of too many workgroups', () => runFaulty(planWith({ workgroups: [1, 2 ** 20, 1] }), x(), x()), /needs 1 × 1048576 × 1 workgroups/],
    [
      'on no bytes',
      () => runFaulty(planWith({ slots: ['x', { slot: 'y', offset: 0, bytes: 0 }] }), x(), x()),
      /binds 0 bytes of operand 1/,
    ],
    [
      'beyond a buffer',
      () => runFaulty(planWith({ slots: [{ slot: 'x', offset: 512, bytes: 16 }, 'y'] }), x(), x()),
      /binds bytes 512 to 528/,
    ],
    [
      'on its own output',
      () => {
        const both = x();
        runFaulty(planWith({}), both, both);
      },
      /would use one buffer twice/,
    ],
    ['that does not compile', () => runFaulty(planWith({}, 'no WGSL'), x(), x()), /kernel faulty no WGSL does not compile/],
    [
      'of other bindings than its kernel has',
      () => {
        const plan = planWith({ slots: ['x'] });
        runFaulty(plan, x(), x());
      },
      /faulty: the GPU driver refused kernel faulty/,
    ],
  ];
  it.each(cases)('%s is refused by op and kernel, and what was asked for before still runs', async (_, call, message) => {
    const before = add(x(), 1);
    expect(call).toThrow(message);
    expect([...(await before.read())]).toEqual([2, 2, 2, 2]);
    expect([...(await add(before, x()).read())]).toEqual([3, 3, 3, 3]);
    await device.sync();
  });
});

describe('an error that the driver reports by itself', () => {
  it('is thrown by every read under way, and then no more', async () => {
    const x = ones([4], { device });
    const reads = [x.read(), x.read()];
    spoil(device);
    for (const read of reads) await expect(read).rejects.toThrow(/^the GPU driver reported: Write range/);
    expect([...(await add(x, 1).read())]).toEqual([2, 2, 2, 2]);
    await device.sync();
  });

  it('is thrown by the next wait where there is none, sync among them', async () => {
    spoil(device);
    spoil(device);
    await expect(device.sync()).rejects.toThrow(DeviceError);
    await device.sync();
    spoil(device);
    const x = ones([1], { device });
    await expect(x.read()).rejects.toThrow(DeviceError);
    expect([...(await x.read())]).toEqual([1]);
  });

  it('is written to the console where the device is closed, or nothing waits for a while', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const other = await openDevice({ label: 'unheard' });
    spoil(other);
    other.close();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/an error on unheard .*Write range/));
    spoil(device);
    await after(2500);
    expect(warn).toHaveBeenCalledTimes(2);
    await expect(device.sync()).rejects.toThrow(/Write range/);
  });
});

describe('a lost device', () => {
  const expected = {
    bad: expect.stringMatching(/DeviceError: kernel faulty no WGSL does not compile/),
    good: 2,
    made: 1,
    again: expect.stringMatching(/DeviceError: kernel faulty no WGSL does not compile/),
    lost: Array.from({ length: 3 }, () => expect.stringMatching(/^DeviceError: (read|sync): the GPU device gpu\d+ was lost/)),
    after: 1,
  };

  it('stops being the default, and what waits for it is told so', async () => {
    device.close();
    expect(await run()).toEqual(expected);
    const next = defaultDevice();
    device = await openDevice({ label: 'second' });
    expect(defaultDevice()).toBe(next);
    next.close();
    expect(() => defaultDevice()).toThrow('no device is open');
    expect(() => setDefaultDevice(next)).toThrow('was closed');
    setDefaultDevice(device);
  });

  it('does so in a browser, which reports all errors late', async () => {
    const module = await bundleForBrowser(fileURLToPath(new URL('./support/faulty-device.ts', import.meta.url)));
    expect((await runInBrowser(module)).result).toEqual(expected);
  });
});

it.runIf(process.platform === 'linux')('opening and closing leaves no threads, descriptors or memory', async () => {
  const cycle = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const each = await openDevice();
      await tensor([1, 2], { device: each }).add(1).read();
      each.close();
    }
  };
  const facts = () => ({
    threads: readdirSync('/proc/self/task').length,
    descriptors: readdirSync('/proc/self/fd').length,
    mebibytes: process.memoryUsage().rss / 2 ** 20,
  });
  await cycle(20);
  const before = facts();
  await cycle(100);
  const now = facts();
  expect(now.threads - before.threads).toBeLessThanOrEqual(2);
  expect(now.descriptors - before.descriptors).toBeLessThanOrEqual(2);
  // A device took 3 MiB where it was kept; the collector's own ups and downs are some ten.
  expect(now.mebibytes - before.mebibytes).toBeLessThan(100);
});
