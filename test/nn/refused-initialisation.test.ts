import { Generator, tensor, zeros } from '@initlab/core';
import {
  BatchNorm2d,
  Conv2d,
  Flatten,
  findInitializer,
  Linear,
  listInitializers,
  registerInitializer,
  Sequential,
  WeightNormConv2d,
} from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';

defaultDeviceOfTests();

const net = (): Sequential =>
  new Sequential(
    new Conv2d(3, 4, { kernelSize: 3, padding: 1 }),
    new BatchNorm2d(4),
    new WeightNormConv2d(4, 4, { kernelSize: 3, padding: 1 }),
    new Flatten(),
    new Linear(4 * 4 * 4, 2),
  );
const values = async (model: Sequential): Promise<number[][]> =>
  Promise.all([...model.stateDict().values()].map(async (x) => [...(await x.read())]));

registerInitializer({
  name: 'fails-at-its-end',
  description: 'sets every parameter, then throws',
  source: 'this test',
  initialize: async (model) => {
    for (const p of model.parameters()) p.set(new Float32Array(p.size).fill(7));
    await Promise.resolve();
    throw new Error('not converged');
  },
});

describe('an initialisation that is refused leaves the weights as they were', () => {
  const wrong = {
    'of other images': () => ({ batch: zeros([2, 5, 4, 4]) }),
    'of no image': () => ({ batch: tensor([1, 2]) }),
    'that is not there': () => ({}),
  };
  const dataDependent = listInitializers().filter((entry) => entry.dataDependent);
  for (const { name } of dataDependent)
    it.each(Object.entries(wrong))(`${name}, for a batch %s`, async (_, options) => {
      const model = net();
      // No values that a draw would give again, and no normal number among them.
      const first = model.parameters()[0];
      first?.set(Float32Array.from({ length: first.size }, (__, i) => (i === 0 ? 1e-40 : i)));
      const before = await values(model);
      const options_ = { arch: 'net', numClasses: 2, depth: 3, generator: new Generator(1), ...options() };
      await expect(findInitializer(name).initialize(model, options_)).rejects.toThrow();
      expect(await values(model)).toEqual(before);
    });

  it('one of your own that throws when it has set them', async () => {
    const model = net();
    const before = await values(model);
    await expect(findInitializer('fails-at-its-end').initialize(model, { arch: 'net', numClasses: 2, depth: 3 })).rejects.toThrow(
      'not converged',
    );
    expect(await values(model)).toEqual(before);
  });
});
