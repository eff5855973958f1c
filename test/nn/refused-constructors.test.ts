import { type Device, OpError, openDevice } from '@initlab/core';
import { ResidentDataset } from '@initlab/data';
import { createModel } from '@initlab/models';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  LayerNorm,
  Linear,
  LossScaler,
  listNorms,
  type Module,
  Parameter,
  SGD,
  SpectralNormConv2d,
  stateTensor,
  WeightNormConv2d,
  WeightNormLinear,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusedUntilItFits } from '../support/little-memory.js';

const limit = 4 << 20;
let device: Device;
beforeAll(async () => {
  device = await openDevice({ memoryLimit: limit });
});
afterAll(() => device.close());

const refusals = (make: () => { dispose(): void }): number =>
  refusedUntilItFits(device, {
    limit,
    call: () => {
      make().dispose();
    },
  });

describe('a constructor that is refused gives back what it took', () => {
  const layers: [string, number, () => Module][] = [
    ['Conv2d', 2, () => new Conv2d(8, 16, { kernelSize: 3, device })],
    ['Linear', 2, () => new Linear(64, 32, { device })],
    ['WeightNormConv2d', 3, () => new WeightNormConv2d(8, 16, { kernelSize: 3, device })],
    ['WeightNormLinear', 3, () => new WeightNormLinear(64, 32, { device })],
    ['SpectralNormConv2d', 4, () => new SpectralNormConv2d(8, 16, { kernelSize: 3, device })],
    ['BatchNorm2d', 4, () => new BatchNorm2d(16, { device })],
    ['LayerNorm', 2, () => new LayerNorm([4, 4], { device })],
    ['resnet8', 5, () => createModel('resnet8', { device })],
    ['resnet8 of switchable norms', 5, () => createModel('resnet8', { norm: 'switchable', device })],
  ];
  it.each(layers)('%s', (_, least, make) => {
    expect(refusals(make)).toBeGreaterThanOrEqual(least);
  });

  it.each(listNorms().map(({ name, make }) => [name, make] as const))('the norm %s', (_, make) => {
    refusals(() => make(32, { device }));
  });

  it('single tensors', () => {
    expect(refusals(() => new Parameter([16], { device }))).toBe(1);
    expect(refusals(() => stateTensor([16], { device }))).toBe(1);
    const scaler = (): LossScaler => new LossScaler({ device });
    expect(
      refusals(() => ({
        dispose: (
          (s) => () =>
            s.state.dispose()
        )(scaler()),
      })),
    ).toBe(1);
  });

  it('optimisers of several groups, whose parameters stay where they were', async () => {
    const [a, b] = [new Parameter([300], { device, value: 1 }), new Parameter([500], { device, value: 2 })];
    const groups = [{ params: [a] }, { params: [b], lrMultiplier: 2 }];
    const homes = [a.storage, b.storage];
    // What is kept by the first that fits: parameters lie in flat buffers from then on.
    let fitted: SGD | undefined;
    const count = refusedUntilItFits(device, {
      limit,
      call: () => {
        expect([a.storage, b.storage]).toEqual(homes);
        fitted = new SGD(groups, { lr: 0.1, momentum: 0.9 });
      },
    });
    expect(count).toBeGreaterThan(3);
    fitted?.dispose();
    expect([...(await a.read())]).toEqual(new Array(300).fill(1));
    const before = device.memory.liveBytes;
    const other = new Parameter([4], { device });
    const taken = new Adam([other], { lr: 0.1 });
    const both = device.memory.liveBytes;
    expect(() => new Adam([{ params: [a] }, { params: [other] }], { lr: 0.1 })).toThrow('already belongs to another optimiser');
    expect(device.memory.liveBytes).toBe(both);
    taken.dispose();
    other.dispose();
    expect(device.memory.liveBytes).toBe(before);
    for (const p of [a, b]) p.dispose();
  });

  it('data sets, of too little memory and of too few labels', () => {
    const images = { name: 'made', origin: 'a test', classes: ['a', 'b'], channels: 1, height: 4, width: 4, mean: [0], std: [1] };
    const split = { count: 8, images: new Uint8Array(128), labels: new Uint8Array(8) };
    expect(refusals(() => new ResidentDataset(images, split, { device }))).toBeGreaterThanOrEqual(2);
    const before = device.memory.liveBytes;
    expect(() => new ResidentDataset(images, { ...split, labels: new Uint8Array(7) }, { device })).toThrow();
    expect(device.memory.liveBytes).toBe(before);
  });

  it('arguments that are wrong', () => {
    const before = device.memory.liveBytes;
    expect(() => new Conv2d(8, 16, { kernelSize: 3, groups: 3, device })).toThrow();
    expect(() => new BatchNorm2d(0, { device })).toThrow(OpError);
    expect(() => createModel('resnet8', { norm: (channels) => new BatchNorm2d(channels - 64, { device }), device })).toThrow(OpError);
    expect(device.memory.liveBytes).toBe(before);
  });
});
