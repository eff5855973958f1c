import {
  backward,
  compile,
  type Device,
  Generator,
  grad,
  mul,
  openDevice,
  setDefaultDevice,
  square,
  sum,
  type Tensor,
  tensor,
  weightNorm,
  zeros,
} from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  findInitializer,
  listInitializers,
  type Module,
  modelDepth,
  ReLU,
  registerInitializer,
  resetG,
  Sequential,
  SGD,
  WeightNormConv2d,
  WeightNormLinear,
  weightLayers,
  zeros_,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
});
afterAll(() => device.close());
const numbers = async (x: Tensor | undefined): Promise<number[]> => [...(await (x as Tensor).read())];
const initialise = async (model: Module, name: string): Promise<void> => {
  const batch = tensor(parityFill(4 * 3 * 16 * 16, { seed: 5, scale: 1.5 }), { shape: [4, 3, 16, 16] });
  const generator = new Generator(4);
  await findInitializer(name).initialize(model, { arch: 'x', numClasses: 10, depth: modelDepth(model), generator, batch });
};

describe.each([false, true])('weightNorm of a channel of zeros (compiled: %s)', (compiled) => {
  const v = (): Tensor =>
    tensor(
      [
        [3, 4],
        [0, 0],
        [-5, 12],
      ],
      { requiresGrad: true },
    );
  const g = (): Tensor => tensor([[10], [7], [-13]], { requiresGrad: true });
  it('is 0, and so are its gradients; the others are as ever', async () => {
    const [directions, scales, factors] = [
      v(),
      g(),
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ];
    const body = (): Tensor[] => {
      const w = weightNorm(directions, scales);
      return [w, ...grad(sum(mul(w, factors)), [scales, directions])];
    };
    const [w, ofScales, ofDirections] = (compiled ? compile(body, { device }) : body)();
    expect((await numbers(w)).map((x) => Math.fround(x))).toEqual([6, 8, 0, 0, 5, -12]);
    const dg = await numbers(ofScales);
    // Σ dw·v / ‖v‖: (3 + 8) / 5 and (−25 + 72) / 13.
    for (const [i, wanted] of [2.2, 0, 47 / 13].entries()) expect(dg[i]).toBeCloseTo(wanted, 5);
    const dv = await numbers(ofDirections);
    expect(dv.slice(2, 4)).toEqual([0, 0]);
    for (const x of dv) expect(Number.isFinite(x)).toBe(true);
  });

  it('also of second order', async () => {
    const [directions, scales] = [v(), g()];
    const body = (): Tensor[] => {
      const [dv] = grad(sum(square(weightNorm(directions, scales))), [directions], { createGraph: true });
      return grad(sum(square(dv as Tensor)), [directions, scales]);
    };
    for (const second of (compiled ? compile(body, { device }) : body)())
      for (const x of await numbers(second)) expect(Number.isFinite(x)).toBe(true);
  });
});

describe('initialisations of weight-normed layers', () => {
  it.each([
    ['a convolution', () => new WeightNormConv2d(1, 2, { kernelSize: 1 }), [1, 1, 1, 1]],
    ['a linear layer', () => new WeightNormLinear(1, 2), [1, 1]],
  ] as const)("'zero' gives %s a weight of 0 that learns", async (_, make, shape) => {
    const layer = make();
    const directions = await numbers(layer.weightV);
    await initialise(new Sequential(layer), 'zero');
    expect(await numbers(layer.forward(tensor([1], { shape: [...shape] })))).toEqual([0, 0]);
    expect(await numbers(layer.weightV)).toEqual(directions);
    expect(await numbers(layer.weightG)).toEqual([0, 0]);
    const optimizer = new SGD(layer.parameters(), { lr: 1 });
    backward(sum(layer.forward(tensor([1], { shape: [...shape] }))));
    optimizer.step();
    // One step of 1 along a unit direction, whose norm is rounded.
    for (const w of await numbers(layer.effectiveWeight())) expect(Math.abs(w)).toBeCloseTo(1, 6);
    // Another strategy draws it anew, and its scales with it.
    await initialise(new Sequential(layer), 'kaiming');
    const drawn = await numbers(layer.weightV);
    for (const [i, w] of (await numbers(layer.effectiveWeight())).entries()) expect(w).toBeCloseTo(drawn[i] as number, 6);
  });

  it('one that calls another on its way keeps the zeros of that', async () => {
    const name = 'zero, called by another';
    registerInitializer({
      name,
      description: '',
      source: '',
      initialize: (model, options) => findInitializer('zero').initialize(model, options),
    });
    const layer = new WeightNormLinear(3, 2);
    await initialise(new Sequential(layer, new ReLU()), name);
    expect((await numbers(layer.effectiveWeight())).every((w) => w === 0)).toBe(true);
  });

  it('a channel filled with zeros by hand', async () => {
    const layer = new WeightNormConv2d(2, 3, { kernelSize: 3, padding: 1, bias: false });
    zeros_(layer.weightV);
    resetG(layer);
    expect((await numbers(layer.forward(zeros([1, 2, 4, 4])))).every((y) => y === 0)).toBe(true);
  });

  it.each(
    listInitializers()
      .map(({ name }) => name)
      .filter((name) => name !== 'zero, called by another'),
  )('%s: finite, and a first step too', async (name) => {
    const arch = name === 'fixup' ? 'fixup-resnet8' : /skipinit|rezero|layerscale/.test(name) ? 'resnet8' : 'wrn10-1';
    const model = createModel(arch, { norm: 'weight', generator: new Generator(4) });
    await initialise(model, name);
    for (const layer of weightLayers(model))
      expect((await numbers(layer.effectiveWeight())).every(Number.isFinite), layer.constructor.name).toBe(true);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const x = tensor(parityFill(2 * 3 * 16 * 16, { seed: 6 }), { shape: [2, 3, 16, 16] });
    backward(sum(model.forward(x)));
    optimizer.step();
    for (const [key, p] of model.namedParameters()) expect((await numbers(p)).every(Number.isFinite), key).toBe(true);
  });
});
