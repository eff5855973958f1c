import { backward, compile, crossEntropy, type Device, Generator, openDevice, type Tensor, tensor } from '@initlab/core';
import { createModel, listModels } from '@initlab/models';
import { SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** Loss of a first step and the norm of each parameter's gradient. */
async function firstStep(name: string, how: 'eager' | 'compiled'): Promise<{ loss: number; norms: number[] }> {
  const model = createModel(name, { numClasses: 10, device, generator: new Generator(5) });
  const images = tensor(parityFill(4 * 3072, { seed: 1, scale: 1.5 }), { shape: [4, 3, 32, 32], device });
  const labels = tensor(Int32Array.of(3, 7, 1, 5), { dtype: 'i32', device });
  const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  const body = (): Tensor => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(images), labels);
    backward(loss);
    optimizer.step();
    return loss;
  };
  const loss = await (how === 'eager' ? body() : compile(body, { device })()).item();
  const norms: number[] = [];
  for (const [key, p] of model.namedParameters()) {
    const gradient = await p.grad?.read();
    expect(gradient, key).toBeDefined();
    norms.push(Math.sqrt((gradient as Float32Array).reduce((sum, g) => sum + g * g, 0)));
  }
  model.dispose();
  optimizer.dispose();
  for (const x of [images, labels]) x.dispose();
  return { loss, norms };
}

/**
 * The same code with fewer channels and layers: ten times the width is minutes of arithmetic on two cores, and nothing new; deep nets take
 * steps in deep-wrn.test.ts and beside PyTorch's.
 */
const narrow = (name: string): string =>
  name
    .replace(/^wrn\d+-10$/, 'wrn16-1')
    .replace(/^(vgg1[1369]-bn|imagenet-.*)$/, '$1-x0.125')
    .replace(/^((?!imagenet)(?:[a-z]+-)*resnet)\d+/, (_, family: string) => `${family}20`)
    .replace(/^(mlp|cnn)100-/, (_, family: string) => `${family}20-`)
    .replace(/^densenet-bc-100/, 'densenet-bc-16');
// Compared value by value by other tests: a step of 121 layers, each of another size, compiles for minutes.
const elsewhere = ['imagenet-densenet121', 'imagenet-convnext-tiny'];

// Nets of a thousand layers have a test of their own (deep-wrn).
const names = new Set(
  listModels()
    .flatMap(({ name, examples = [name] }) => examples)
    .filter((name) => !name.endsWith('-reduced') && name !== 'resnet1202' && !elsewhere.includes(name))
    .map(narrow),
);

describe('every model of the registry takes a training step', () => {
  it.each([...names])(
    '%s: a finite gradient for each parameter; compiled as eager',
    async (name) => {
      const eager = await firstStep(name, 'eager');
      expect(eager.norms.every(Number.isFinite), 'finite').toBe(true);
      const compiled = await firstStep(name, 'compiled');
      // Other kernels add in another order; a bias before batch norm has a gradient of nothing but rounding.
      expect(differs('loss', [compiled.loss], [eager.loss], { absolute: 1e-4, relative: 1e-4 })).toBe('');
      expect(differs('norms', compiled.norms, eager.norms, { absolute: 1e-3, relative: 2e-2 })).toBe('');
    },
    300_000,
  );
});
