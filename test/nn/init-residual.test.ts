import { backward, crossEntropy, type Device, Generator, mean, openDevice, square, sub, type Tensor, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  blockStages,
  Conv2d,
  calculateFanInAndFanOut,
  findInitializer,
  type InitializeOptions,
  Linear,
  listInitializers,
  type Module,
  modelDepth,
  WeightNormConv2d,
  WeightNormLinear,
  weightLayers,
  withForwardHook,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
let images: Tensor;
beforeAll(async () => {
  device = await openDevice();
  images = tensor(parityFill(8 * 3 * 32 * 32, { seed: 5, scale: 1.5 }), { shape: [8, 3, 32, 32], device });
});
afterAll(() => device.close());

async function initialised(arch: string, init: string, norm?: string): Promise<Module> {
  const generator = new Generator(11);
  const model = createModel(arch, { numClasses: 10, device, generator, ...(norm ? { norm } : {}) });
  await initialise(model, init, { arch, generator });
  return model;
}
async function initialise(model: Module, init: string, more: Pick<InitializeOptions, 'arch' | 'generator'>): Promise<void> {
  await findInitializer(init).initialize(model, { ...more, numClasses: 10, depth: modelDepth(model), batch: images });
}
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())] as number[];
const std = (values: readonly number[]): number => {
  const centre = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - centre) ** 2, 0) / values.length);
};
/** Output of every layer over the batch, in order of execution. */
async function outputs(model: Module): Promise<{ layer: Conv2d | Linear; y: Tensor }[]> {
  const seen: { layer: Conv2d | Linear; y: Tensor }[] = [];
  withForwardHook(
    model,
    (layer, { output }) => {
      if (layer instanceof Conv2d || layer instanceof Linear) seen.push({ layer, y: output });
      return undefined;
    },
    () => void model.forward(images),
  );
  return seen;
}
type WeightNormed = WeightNormConv2d | WeightNormLinear;
const normed = (model: Module): WeightNormed[] =>
  weightLayers(model).filter((l): l is WeightNormed => l instanceof WeightNormConv2d || l instanceof WeightNormLinear);

describe('lsuv', () => {
  it.each([
    ['resnet8', 'batch', 'eval'],
    ['resnet8', 'switchable', 'train'],
    ['vgg11-bn-x0.125', 'batch', 'eval'],
    ['mobilenetv2-x0.25', 'group', 'eval'],
    ['cnn3-16', 'none', 'train'],
    ['fixup-resnet8', 'none', 'eval'],
    ['wrn10-1', 'weight', 'train'],
  ] as const)('%s with norm %s: every layer’s output has variance 1 over the batch (mode: %s)', async (arch, norm, mode) => {
    const model = await initialised(arch, 'lsuv', norm);
    for (const { y } of await outputs(model[mode]())) {
      const variance = await mean(square(sub(y, mean(y)))).item();
      // The paper's tolerance is 0.1; one exact division leaves rounding only.
      expect(Math.abs(variance - 1)).toBeLessThan(1e-3);
    }
  });
  it('needs a batch', async () => {
    const model = createModel('simple-cnn', { device });
    const run = async (): Promise<void> => findInitializer('lsuv').initialize(model, { arch: 'simple-cnn', numClasses: 10, depth: 4 });
    await expect(run()).rejects.toThrow(/batch/);
  });
});

describe('fixup', () => {
  it('scales per layer kind', async () => {
    const model = await initialised('fixup-resnet20', 'fixup');
    const state = model.stateDict();
    const read = async (name: string): Promise<number[]> => numbers(state.get(name) as Tensor);
    // 9 blocks: N(0, 2 / fanOut) / 3; moments of 9,216 and 36,864 normal values.
    expect(std(await read('layer2.1.conv1.weight')) / (Math.sqrt(2 / 288) / 3)).toBeCloseTo(1, 1);
    expect(std(await read('layer3.1.conv1.weight')) / (Math.sqrt(2 / 576) / 3)).toBeCloseTo(1, 1);
    for (const name of ['layer1.0.conv2.weight', 'fc.weight', 'fc.bias', 'layer2.0.bias1a', 'bias2'])
      expect(
        (await read(name)).every((v) => v === 0),
        name,
      ).toBe(true);
    expect(await read('layer3.2.scale')).toEqual([1]);
    // A module's own parameters come before its children's, as in PyTorch.
    expect([...state.keys()].slice(0, 5)).toEqual(['bias1', 'bias2', 'conv1.weight', 'layer1.0.bias1a', 'layer1.0.bias1b']);
  });

  it('starts as its shortcuts, whatever the depth, and refuses nets with norms', async () => {
    const deep = await initialised('fixup-resnet110', 'fixup');
    const seen = await outputs(deep);
    // The last conv of every branch is zero, and so is the classifier.
    for (const { layer, y } of [...seen.filter((_, i) => i > 0 && i % 2 === 0), ...seen.slice(-1)])
      expect(await mean(square(y)).item(), `${layer.constructor.name}`).toBe(0);
    await expect(initialised('resnet8', 'fixup')).rejects.toThrow(/without norms.*fixup-bn/);
  });
});

describe('scaled branches', () => {
  it.each([
    ['skipinit', 1, 0],
    ['rezero', 1, 0],
    ['layerscale', 16, 0.1],
  ])('%s adds a factor to every branch', async (init, size, value) => {
    const model = await initialised('resnet20', init);
    const scales = [...model.namedParameters()].filter(([name]) => name.endsWith('residual_scale'));
    expect(scales.length).toBe(9);
    expect((scales[0] as [string, Tensor])[1].size).toBe(size);
    for (const [, scale] of scales) for (const v of await numbers(scale)) expect(v).toBeCloseTo(value, 6);
    await expect(initialised('simple-cnn', init)).rejects.toThrow(/no block/);
  });
  it('a factor of 0 makes the block its shortcut', async () => {
    const model = await initialised('resnet8', 'skipinit');
    const block = model.modules().find((m) => 'residualScale' in m) as Module;
    const x = tensor(parityFill(2 * 16 * 64, { seed: 1, shift: 2 }), { shape: [2, 16, 8, 8], device });
    expect(await numbers(block.forward(x))).toEqual(await numbers(x));
  });
});

describe('weight norm', () => {
  it.each(['wn-he', 'wn-orthogonal'])('%s: g = ‖v‖, so the weight is v; the classifier is PyTorch’s', async (init) => {
    const model = await initialised('wrn10-1', init, 'weight');
    for (const layer of normed(model)) {
      const [w, v] = [await numbers(layer.effectiveWeight()), await numbers(layer.weightV)];
      for (const [i, value] of w.entries()) expect(value).toBeCloseTo(v[i] as number, 5);
    }
    const bound = 1 / Math.sqrt(64);
    const last = await numbers((weightLayers(model).at(-1) as Linear).weight);
    expect(Math.max(...last.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...last.map(Math.abs))).toBeGreaterThan(0.9 * bound);
  });

  it.each(['wn-he-datadep', 'wn-orthogonal-datadep'])('%s: every channel has mean 0 and variance 1 over the batch', async (init) => {
    for (const [arch, norm] of [
      ['cnn4-8', 'weight'],
      ['mlp3-32', 'weight'],
    ] as const)
      for (const { layer, y } of await outputs(await initialised(arch, init, norm))) {
        if (!('weightG' in layer)) continue;
        const dims = y.ndim === 4 ? [0, 2, 3] : [0];
        const centre = mean(y, { dims, keepdim: true });
        for (const m of await numbers(centre)) expect(Math.abs(m)).toBeLessThan(1e-3);
        for (const v of await numbers(mean(square(sub(y, centre)), { dims }))) expect(Math.abs(v - 1)).toBeLessThan(2e-3);
      }
  });

  it.each([
    ['wn-he-proposed', (_: number, blocks: number) => 1 / blocks],
    ['wn-orthogonal-proposed', (_: number, blocks: number) => 1 / blocks],
    ['wn-hanin', (index: number) => 0.9 ** (2 * index)],
  ] as const)('%s: g = √(γ fanIn / fanOut) exactly, by the layer’s part in the net', async (init, lastGamma) => {
    const model = await initialised('wrn16-2', init, 'weight');
    const expected = new Map<unknown, number>([[weightLayers(model)[0], 1]]);
    for (const { block, index, blocks } of blockStages(model)) {
      expect(blocks).toBe(2);
      expected.set(block.lastConv, lastGamma(index, blocks));
      expected.set(block.shortcutConv, 1);
    }
    for (const layer of normed(model)) {
      const { fanIn, fanOut } = calculateFanInAndFanOut(layer.weightV.shape);
      const g = Math.sqrt(((expected.get(layer) ?? 2) * fanIn) / fanOut);
      for (const value of await numbers(layer.weightG)) expect(value).toBeCloseTo(g, 5);
    }
  });

  it.each([
    ['wrn10-1', 1],
    ['plain-resnet8', 2],
  ])('%s: the first convolution has γ = %s', async (arch, gamma) => {
    const [first] = normed(await initialised(arch, 'wn-he-proposed', 'weight'));
    const { fanIn, fanOut } = calculateFanInAndFanOut((first as WeightNormed).weightV.shape);
    for (const value of await numbers((first as WeightNormed).weightG)) expect(value).toBeCloseTo(Math.sqrt((gamma * fanIn) / fanOut), 5);
  });

  it('feed-forward nets have γ = 2 throughout', async () => {
    for (const layer of normed(await initialised('mlp4-16', 'wn-he-proposed', 'weight'))) {
      const { fanIn, fanOut } = calculateFanInAndFanOut(layer.weightV.shape);
      for (const value of await numbers(layer.weightG)) expect(value).toBeCloseTo(Math.sqrt((2 * fanIn) / fanOut), 5);
    }
  });

  it('orthogonal directions are orthogonal to 1e-5', async () => {
    const [layer] = normed(await initialised('cnn4-8', 'wn-orthogonal-proposed', 'weight')).slice(1);
    const v = await numbers((layer as WeightNormed).weightV);
    const rows = 8;
    const length = v.length / rows;
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < rows; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += (v[i * length + k] as number) * (v[j * length + k] as number);
        expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-5);
      }
  });

  it('refuses a model without weight norm', async () => {
    await expect(initialised('resnet8', 'wn-he')).rejects.toThrow(/norm: 'weight'/);
  });
});

/** Where each strategy can be used, and whether a net starts finite after it. */
const home = (name: string): [arch: string, norm?: string] =>
  name.startsWith('wn-') ? ['wrn10-1', 'weight'] : name === 'fixup' ? ['fixup-resnet8'] : ['resnet8'];

describe('every registered strategy', () => {
  it.each(listInitializers().map(({ name }) => name))(
    '%s: the same seed gives the same weights, and a first step is finite',
    async (name) => {
      const [arch, norm] = home(name);
      const [model, again] = [await initialised(arch, name, norm), await initialised(arch, name, norm)];
      for (const [key, p] of model.namedParameters())
        expect(await numbers(p), key).toEqual(await numbers(again.stateDict().get(key) as Tensor));
      const labels = tensor(Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7), { dtype: 'i32', device });
      const loss = crossEntropy(model.forward(images), labels);
      backward(loss);
      expect(Number.isFinite(await loss.item())).toBe(true);
      for (const [key, p] of model.namedParameters()) expect((await numbers(p.grad as Tensor)).every(Number.isFinite), key).toBe(true);
    },
  );
});
