import { backward, compile, crossEntropy, type Device, Generator, openDevice, type Tensor, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import { Adam, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** How many words differ; comparing large arrays element by element in the matcher takes long. */
const differing = (a: Uint32Array, b: Uint32Array): number =>
  a.reduce((n, word, i) => n + (word === b[i] ? 0 : 1), Math.abs(a.length - b.length));

/** Parameters after a few steps from one seed, as one list of bits. */
async function train(name: string, { steps, how }: { steps: number; how: 'eager' | 'compiled' | 'exact' }): Promise<Uint32Array> {
  const generator = new Generator(7);
  const model = createModel(name, { numClasses: 10, device, generator });
  const images = tensor(
    Float32Array.from({ length: 2 * 3072 }, () => generator.normal()),
    { shape: [2, 3, 32, 32], device },
  );
  const labels = tensor(Int32Array.of(3, 8), { dtype: 'i32', device });
  const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  const body = (): Tensor => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(images), labels);
    backward(loss);
    optimizer.step();
    return loss;
  };
  const step = how === 'eager' ? body : compile(body, { device, exact: how === 'exact' });
  for (let i = 0; i < steps; i++) step();
  const parts: Uint32Array[] = [];
  for (const p of model.parameters()) parts.push(new Uint32Array((await p.read()).buffer));
  model.dispose();
  optimizer.dispose();
  const bits = new Uint32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bits.set(part, at);
    at += part.length;
  }
  return bits;
}

describe('bits', () => {
  it.each(['simple-cnn', 'resnet20'])(
    '%s trains to the same bits twice, compiled',
    async (name) => {
      const first = await train(name, { steps: 3, how: 'compiled' });
      expect(differing(await train(name, { steps: 3, how: 'compiled' }), first)).toBe(0);
    },
    200_000,
  );

  it.each(['simple-cnn', 'resnet20'])(
    '%s gives eager’s bits when compiled with the same kernels',
    async (name) => {
      expect(differing(await train(name, { steps: 2, how: 'exact' }), await train(name, { steps: 2, how: 'eager' }))).toBe(0);
    },
    200_000,
  );
});

describe('memory', () => {
  it('does not grow over 1,000 replayed steps', async () => {
    const generator = new Generator(1);
    const w = tensor(
      [
        [0.1, 0.2],
        [0.3, 0.4],
      ],
      { device, requiresGrad: true },
    );
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { device },
    );
    const labels = tensor([0, 1], { dtype: 'i32', device });
    const optimizer = new Adam([w]);
    const step = compile(
      (rate) => {
        optimizer.zeroGrad();
        const loss = crossEntropy(x.mul(rate).mul(w), labels);
        backward(loss);
        optimizer.step();
        return loss;
      },
      { device },
    );
    for (let i = 0; i < 10; i++) step(generator.uniform()).dispose();
    const { liveBytes, pooledBytes } = device.memory;
    const holders = device.holders.size;
    for (let i = 0; i < 1000; i++) step(generator.uniform()).dispose();
    await device.sync();
    expect(device.memory).toMatchObject({ liveBytes, pooledBytes });
    expect(device.holders.size).toBe(holders);
    step.dispose();
  });
});
