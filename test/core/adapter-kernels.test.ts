import { type DeviceOptions, openDevice } from '@initlab/core';
import * as kernels from '@initlab/core/adapter-kernels';
import { conv2dCandidates, matmulCandidates, type Target } from '@initlab/kernels';
import { afterEach, describe, expect, it } from 'vitest';
import { openPlannedDevice } from '../../packages/lab/src/plan/planned-device.js';
import { conv2dProblem, directions } from '../kernels/support/conv2d-run.js';

const closing: { close: () => void }[] = [];
afterEach(() => {
  for (const device of closing.splice(0)) device.close();
});

/** The device's target, and how often it asked for the kernels that only some adapters run. */
async function opened(target: Partial<Target>): Promise<{ asked: number; target: Target }> {
  let asked = 0;
  const adapterKernels: DeviceOptions['adapterKernels'] = async () => {
    asked++;
    return kernels;
  };
  const device = await openDevice({ adapterKernels, target, dawnOptions: ['backend=null'] });
  closing.push(device);
  return { asked, target: device.target };
}

/** Names of kernels that do a convolution and a product on it. */
function variants(target: Target): string[] {
  const problem = conv2dProblem({
    batch: 2,
    inChannels: 16,
    outChannels: 16,
    inHeight: 8,
    inWidth: 8,
    dtype: target.software ? 'f32' : 'f16',
  });
  const product = { m: 64, n: 64, k: 64, transposeA: false, transposeB: false, dtype: problem.dtype, bias: false };
  return [...directions.flatMap((direction) => conv2dCandidates(problem, direction, target)), ...matmulCandidates(product, target)].flatMap(
    ({ dispatches }) => dispatches.map(({ kernel }) => kernel.name),
  );
}

describe('kernels that only some adapters run', () => {
  const configs = [{ m: 16, n: 16, k: 16, componentType: 'f16', resultComponentType: 'f32' }];
  const matrices = { software: false, f16: true, subgroups: true, subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrix: configs };

  it.each<[string, Partial<Target>, RegExp]>([
    ['a driver on the CPU', { software: true }, /software/],
    ['matrix units', matrices, /matrix/],
  ])('are fetched once for %s, which runs any GPU’s without them', async (_, parts, named) => {
    const { asked, target } = await opened(parts);
    expect(asked).toBe(1);
    expect(variants(target).filter((name) => named.test(name))).not.toEqual([]);
    const without = variants({ ...target, adapterKernels: undefined });
    expect(without.length).toBeGreaterThan(4);
    expect(without.filter((name) => named.test(name))).toEqual([]);
  });

  it.each<[string, Partial<Target>]>([
    ['any other GPU', { software: false, subgroupMatrix: [] }],
    ['matrix units without subgroups of one size', { ...matrices, subgroupMinSize: 16 }],
  ])('are not fetched for %s', async (_, parts) => {
    const { asked, target } = await opened(parts);
    expect(asked).toBe(0);
    expect(variants(target).filter((name) => /software|matrix/.test(name))).toEqual([]);
  });

  it('are there in Node by themselves', async () => {
    const device = await openPlannedDevice('h100');
    closing.push(device);
    expect(variants(device.target).some((name) => name.includes('matrix'))).toBe(true);
  });

  it.each<[string, unknown]>([
    ['the module itself', kernels],
    ['a name', '@initlab/core/adapter-kernels'],
    ['what fetches something else', async () => ({})],
    ['what fetches nothing', async () => undefined],
  ])('refused: %s', async (_, adapterKernels) => {
    await expect(
      openDevice({ adapterKernels: adapterKernels as DeviceOptions['adapterKernels'], target: { software: true } }),
    ).rejects.toThrow(/^openDevice: .*adapterKernels.* \(\) => import\('@initlab\/core\/adapter-kernels'\)$/);
  });
});
