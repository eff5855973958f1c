import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compile, type Device, openDevice, scope, type Tensor, tensor } from '@initlab/core';
import { Parameter } from '@initlab/nn';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));
afterEach(() => void vi.restoreAllMocks());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Finalisers run in tasks after the collection. */
async function collected(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
}

// The order counts: the warning comes once in a process.
it('is quiet for scopes, tensors disposed by hand, compiled results and closed devices', async () => {
  const w = new Parameter([4], { device, value: 1 });
  const other = await openDevice({ label: 'closed' });
  const step = compile((x) => x.mul(w).sum(), { device });
  const run = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      scope(() => void w.mul(2).square().sum().detach());
      tensor([1], { device }).dispose();
      step(Float32Array.of(1, 2, 3, i));
      tensor([1], { device: other }).neg();
    }
    // Nothing is waited for between: the collector's finds are told of in tasks, and must not be while the device is open.
    other.close();
    await step(Float32Array.of(1, 2, 3, 4)).item();
    step.dispose();
  };
  const kept = scope(() => w.mul(3));
  kept.dispose();
  await run();
  await collected();
  expect(console.warn).not.toHaveBeenCalled();
  w.dispose();
});

it('warns once of tensors dropped without dispose, with what made them', async () => {
  const drop = async (): Promise<void> => {
    const x: Tensor = tensor([1, 2, 3], { device });
    for (let i = 0; i < 30; i++) x.mul(2).neg();
    x.dispose();
    await device.sync();
  };
  await drop();
  await collected();
  expect(console.warn).toHaveBeenCalledTimes(1);
  expect(console.warn).toHaveBeenCalledWith(
    expect.stringMatching(/(\d\d) tensors were dropped without dispose.*mul \(\d+\).*scope\(\(\) =>/),
  );
  const found = device.leakReport();
  expect(found.map(({ label }) => label)).toEqual(expect.arrayContaining(['mul', 'neg']));
  expect(found.find(({ label }) => label === 'mul')).toEqual({ label: 'mul', count: expect.any(Number), bytes: expect.any(Number) });
  await drop();
  await collected();
  expect(console.warn).toHaveBeenCalledTimes(1);
});
