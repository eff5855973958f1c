import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  addInto,
  copyInto,
  type Device,
  DeviceError,
  empty,
  keep,
  mul,
  OpError,
  OutOfMemoryError,
  openDevice,
  Scope,
  scope,
  tensor,
  zeros,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

describe('tensors and their bytes', () => {
  it('reads back what was written, in every dtype and format', async () => {
    for (const dtype of ['f32', 'f16', 'i32', 'u32'] as const)
      for (const format of ['rowMajor', 'channelsLast'] as const) {
        const data = Array.from({ length: 2 * 3 * 2 * 5 }, (_, i) => i);
        const x = tensor(data, { shape: [2, 3, 2, 5], dtype, format, device });
        expect([...(await x.read())]).toEqual(data);
        x.dispose();
      }
  });

  // In a scope: what the collector found of it later would be missing where others count a device's bytes.
  it('takes shapes from nested arrays, scalars and empty tensors', () =>
    scope(async () => {
      expect(tensor([[1, 2, 3]], { device }).shape).toEqual([1, 3]);
      expect(await tensor(4, { device }).item()).toBe(4);
      expect([...(await zeros([0, 3], { device }).read())]).toEqual([]);
      expect(() => tensor([1, 2, 3], { shape: [2], device })).toThrow('got 3 numbers for shape [2]');
    }));

  it('works without immediates', async () => {
    const other = await openDevice({ label: 'uniforms', target: { immediates: false } });
    const x = tensor([1, 2, 3], { device: other });
    for (let i = 0; i < 600; i++) addInto(x, tensor([1, 1, 1], { device: other }));
    expect([...(await x.read())]).toEqual([601, 602, 603]);
    other.close();
  });
});

describe('memory', () => {
  it('returns what a scope made, but for its results', async () => {
    const before = device.memory.liveBytes;
    const kept = scope(() => {
      const x = tensor([1, 2], { device });
      tensor([3, 4], { device });
      const inner = scope(() => keep([tensor([5], { device })]));
      expect(inner[0]?.disposed).toBe(false);
      return { x };
    });
    expect(device.memory.liveBytes).toBe(before + 256);
    expect([...(await kept.x.read())]).toEqual([1, 2]);
    kept.x.dispose();
    {
      using _ = new Scope();
      tensor([1], { device });
    }
    await scope(async () => {
      await tensor([1], { device }).read();
    });
    expect(() =>
      scope(() => {
        tensor([1], { device });
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(device.memory.liveBytes).toBe(before);
  });

  it('names the op and the maker when a disposed tensor is used', () => {
    const x = tensor([1], { device });
    const y = tensor([1], { device });
    x.dispose();
    expect(() => addInto(y, x)).toThrow(OpError);
    expect(() => addInto(y, x)).toThrow(/addInto: operand src was disposed \(made by tensor/);
    y.dispose();
  });

  it('reports the request and the largest holders when memory runs out', async () => {
    const small = await openDevice({ label: 'small', memoryLimit: 1 << 20 });
    const x = zeros([100_000], { device: small });
    expect(() => zeros([200_000], { device: small })).toThrow(OutOfMemoryError);
    expect(() => zeros([200_000], { device: small })).toThrow(/tensor asked for 800000 bytes[\s\S]*tensor: 1 tensors/);
    x.dispose();
    // What was encoded into the buffers that are destroyed for it still runs.
    const y = zeros([200_000], { device: small });
    expect((await y.read()).length).toBe(200_000);
    expect(() => empty([2 ** 31], { device: small })).toThrow(OutOfMemoryError);
    small.close();
  });
});

describe('limits', () => {
  it('refuses f16 tensors where the adapter lacks them, by the op that would make one', async () => {
    const without = await openDevice({ target: { f16: false } });
    expect(() => zeros([2], { dtype: 'f16', device: without })).toThrow(/shader-f16.*use f32/);
    without.close();
  });

  it('says when one tensor is more than the adapter binds', () => {
    const limit = device.caps.maxStorageBinding;
    const big = empty([limit / 4 + 64], { device });
    expect(() => mul(big, 2)).toThrow(/mul: a tensor of .* MiB is more than this adapter binds at once/);
    big.dispose();
  });
});

describe('devices', () => {
  it('refuses operands of two devices', async () => {
    const other = await openDevice({ label: 'other' });
    const [a, b] = [tensor([1], { device }), tensor([1], { device: other })];
    expect(() => copyInto(a, b)).toThrow(/two devices \(gpu\d+ and other\)/);
    other.close();
    await expect(b.read()).rejects.toThrow(DeviceError);
  });

  it('reports a lost device at the next call', async () => {
    const doomed = await openDevice({ label: 'doomed' });
    const x = tensor([1], { device: doomed });
    await doomed.simulateLoss();
    expect(() => addInto(x, x.detach())).toThrow(/device doomed was lost/);
    await expect(x.read()).rejects.toThrow(/device doomed was lost/);
  });
});

describe('the end of the process', () => {
  it('keeps its exit code while a CPU driver still computes', async () => {
    const script = `
      import { compile, matmul, openDevice, zeros } from '@initlab/core';
      await openDevice();
      const x = zeros([256, 256]);
      const step = compile((y) => matmul(matmul(y, x), x));
      for (let i = 0; i < 10; i++) step(x);
      process.exit(7);`;
    const args = ['--conditions=@initlab/source', '--import', 'tsx', '--input-type=module', '--eval', script];
    const child = spawn(process.execPath, args, { env: { ...process.env, MESA_SHADER_CACHE_DISABLE: 'true' }, stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});
