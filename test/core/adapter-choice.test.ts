import { DeviceError, listAdapters, openDevice } from '@initlab/core';
import { afterEach, expect, it } from 'vitest';
import { adaptersIn, chooseAdapter } from '../../packages/core/src/gpu/adapter-names.js';

const before = process.env.INITLAB_ADAPTER;
afterEach(() => {
  if (before === undefined) delete process.env.INITLAB_ADAPTER;
  else process.env.INITLAB_ADAPTER = before;
});

it('one adapter of several is chosen by its name or a part of it', () => {
  const list =
    "no suitable backends found\nAvailable adapters:\n * backend: 'vulkan', name: 'NVIDIA H100 80GB HBM3'\n * backend: 'vulkan', name: 'NVIDIA H100 80GB HBM3'\n * backend: 'vulkan', name: 'NVIDIA H100'\n * backend: 'vulkan', name: 'llvmpipe (LLVM 19.1.7, 256 bits)'\n";
  const adapters = adaptersIn(list);
  expect(adapters.at(-1)).toEqual({ backend: 'vulkan', name: 'llvmpipe (LLVM 19.1.7, 256 bits)' });
  expect(chooseAdapter('LLVM', adapters)).toBe('llvmpipe (LLVM 19.1.7, 256 bits)');
  expect(chooseAdapter('80gb', adapters)).toBe('NVIDIA H100 80GB HBM3');
  expect(chooseAdapter('nvidia h100', adapters)).toBe('NVIDIA H100');
  expect(() => chooseAdapter('h100 ', adapters)).toThrow(/"h100 ": more than one adapter.*"NVIDIA H100 80GB HBM3", "NVIDIA H100"/);
  expect(() => chooseAdapter('radeon', adapters)).toThrow(/no adapter’s name contains it. There are "NVIDIA H100 80GB HBM3", /);
  expect(() => chooseAdapter('x', [])).toThrow(/There are none/);
});

it('the environment or an option chooses it, and a name that nobody has is refused', async () => {
  const [first] = await listAdapters();
  expect(first).toMatchObject({ name: expect.stringMatching(/\w/), backend: expect.stringMatching(/^\w+$/) });
  const { name } = first as { name: string };
  process.env.INITLAB_ADAPTER = 'nobody';
  await expect(openDevice()).rejects.toThrow(DeviceError);
  await expect(openDevice()).rejects.toThrow(/^adapter "nobody": no adapter’s name contains it/);
  // An option comes before it, and Dawn's own words before both.
  (await openDevice({ adapter: name.slice(0, 6).toUpperCase() })).close();
  (await openDevice({ dawnOptions: ['backend=null'] })).close();
  process.env.INITLAB_ADAPTER = name;
  const device = await openDevice();
  device.close();
  process.env.INITLAB_ADAPTER = '';
  (await openDevice()).close();
});
