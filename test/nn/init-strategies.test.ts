import { backward, crossEntropy, type Device, Generator, openDevice, type Tensor, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import { Conv2d, findInitializer, Linear, type Module, modelDepth, residualBlocks, weightLayers } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

async function initialized(name: string, arch: string): Promise<Module> {
  const generator = new Generator(5);
  const model = createModel(arch, { numClasses: 10, device, generator });
  await findInitializer(name).initialize(model, { arch, numClasses: 10, depth: modelDepth(model), generator });
  return model;
}
/** In loops: some layers have millions of weights. */
const stdOf = (values: ArrayLike<number> & Iterable<number>): number => {
  let sum = 0;
  for (const v of values) sum += v;
  const mean = sum / values.length;
  let squares = 0;
  for (const v of values) squares += (v - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
};
const bytesOf = (values: ArrayLike<number> | undefined): Uint8Array => new Uint8Array((values as Float32Array).buffer);

/** Standard deviation of each weight, in order. */
async function stds(model: Module): Promise<number[]> {
  const found: number[] = [];
  for (const { weight } of weightLayers(model)) found.push(stdOf(await weight.read()));
  return found;
}
const fanOut = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1) / (shape[1] as number);
/** The benchmark's Kaiming std of each layer. */
const kaimingStds = (model: Module): number[] =>
  weightLayers(model).map(({ weight }) => Math.sqrt(2 / (weight.ndim === 4 ? fanOut(weight.shape) : (weight.shape[1] as number))));

/** What a strategy multiplies the benchmark's Kaiming deviation by, or the deviation itself, for the i-th layer. */
type Rule = (layer: Conv2d | Linear, i: number, model: Module) => number;
const scaled =
  (factor: Rule): Rule =>
  (layer, i, model) =>
    (kaimingStds(model)[i] as number) * factor(layer, i, model);
const fanIn = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1) / (shape[0] as number);
const isPoint = (layer: Conv2d | Linear): boolean => layer instanceof Conv2d && layer.kernelSize[0] === 1;
/** The branches' last convolutions by their names, apart from what the strategies themselves go by. */
const named = (model: Module, pattern: RegExp): Set<Module> =>
  new Set([...model.namedModules()].flatMap(([name, module]) => (pattern.test(name) ? [module] : [])));
/** Blocks that add their input in MobileNetV2: 1 + 2 + 3 + 2 + 2 of stages 2 to 6. */
const addingBlocks = '(3|5|6|8|9|10|12|13|15|16)';
const lastConvs: Record<string, RegExp> = {
  resnet20: /^layer\d\.\d\.conv2$/,
  mobilenetv2: new RegExp(`^features\\.${addingBlocks}\\.conv\\.2$`),
};
const isLast = (layer: Module, model: Module, arch: string): boolean => named(model, lastConvs[arch] ?? /^$/).has(layer);

const rules: Record<string, Record<string, Rule>> = {
  resnet20: {
    kaiming: scaled(() => 1),
    'zero-gamma': scaled(() => 1),
    'kaiming-fan-in': ({ weight }) => Math.sqrt(2 / fanIn(weight.shape)),
    lecun: ({ weight }) => Math.sqrt(1 / fanIn(weight.shape)),
    xavier: ({ weight }) => Math.sqrt(2 / (fanIn(weight.shape) + fanOut(weight.shape))),
    random: () => 1,
    scaffold: () => 0.01,
    // Uniform within ±1/√fanIn.
    default: ({ weight }) => 1 / Math.sqrt(3 * fanIn(weight.shape)),
    davs: scaled((layer, i, model) => (layer instanceof Linear ? 1 : (1 + i / modelDepth(model)) ** -0.25)),
    dars: scaled((layer, i, model) => (layer instanceof Linear ? 1 : (1 + i / modelDepth(model)) ** -0.5)),
    'fixup-bn': scaled((layer, _, model) => (isLast(layer, model, 'resnet20') ? 1 / 3 : 1)),
    'half-branch': scaled((layer, i) => (layer instanceof Conv2d && i > 0 ? Math.SQRT1_2 : 1)),
    'depth-decay': scaled((layer, i, model) => (layer instanceof Linear ? 1 : Math.exp(-i * Math.min(0.012, 0.6 / modelDepth(model))))),
    'orthogonal-mixed': (layer, i, model) =>
      layer instanceof Linear
        ? 0.5 * Math.sqrt(2 / (fanIn(layer.weight.shape) + fanOut(layer.weight.shape)))
        : (kaimingStds(model)[i] as number) * (isLast(layer, model, 'resnet20') ? 1 / 3 : 1),
    'fixup++': scaled((layer, _, model) => (isPoint(layer) ? Math.SQRT1_2 : 1) * (isLast(layer, model, 'resnet20') ? 1 / 3 : 1)),
    rbb: scaled((layer, _, model) => (isPoint(layer) || isLast(layer, model, 'resnet20') ? 1 / 3 : 1)),
  },
  mobilenetv2: {
    dars: scaled((layer, i, model) => (layer instanceof Linear ? 1 : (1 + i / modelDepth(model)) ** -0.5)),
    'fixup-bn': scaled(() => 1),
    'fixup++': scaled((layer, _, model) => (isPoint(layer) ? Math.SQRT1_2 : 1) * (isLast(layer, model, 'mobilenetv2') ? 10 ** -0.5 : 1)),
    rbb: scaled((layer, _, model) => (isLast(layer, model, 'mobilenetv2') ? 10 ** -0.5 : 1)),
  },
  // Without blocks and shortcuts nothing is scaled.
  'vgg11-bn-x0.25': {
    dars: scaled(() => 1),
    'fixup++': scaled(() => 1),
    davs: scaled((layer, i, model) => (layer instanceof Linear ? 1 : (1 + i / modelDepth(model)) ** -0.25)),
  },
};

describe.each(Object.entries(rules))('strategies on %s', (arch, of) => {
  it.each(Object.entries(of))('%s scales every layer by its formula', async (name, rule) => {
    const model = await initialized(name, arch);
    const found = await stds(model);
    for (const [i, layer] of weightLayers(model).entries()) {
      // A sample's own deviation: 1/√(2n) relative, five times that.
      const bound = 5 / Math.sqrt(2 * layer.weight.size);
      expect(Math.abs((found[i] as number) / rule(layer, i, model) - 1), `layer ${i}`).toBeLessThan(bound);
    }
    model.dispose();
  });
});

describe('strategies on resnet20', () => {
  it('orthogonal-standardised: every filter has mean 0 and norm 1', async () => {
    const model = await initialized('orthogonal-standardised', 'resnet20');
    for (const { weight } of weightLayers(model)) {
      const values = await weight.read();
      const [rows, size] = [weight.shape[0] as number, values.length / (weight.shape[0] as number)];
      for (let r = 0; r < rows; r++) {
        const row = [...values.slice(r * size, (r + 1) * size)];
        expect(Math.abs(row.reduce((a, b) => a + b, 0))).toBeLessThan(1e-5);
        expect(Math.abs(Math.hypot(...row) - 1)).toBeLessThan(1e-5);
      }
    }
    model.dispose();
  });

  it('orthogonal-mixed is orthogonal on nets without blocks, but for the head', async () => {
    const [mixed, plain] = [await initialized('orthogonal-mixed', 'cnn3-64'), await initialized('orthogonal', 'cnn3-64')];
    const weights = (model: Module) => weightLayers(model).map(({ weight }) => weight.read());
    const [own, expected] = [await Promise.all(weights(mixed)), await Promise.all(weights(plain))];
    // Bytes are compared at once, millions of numbers one by one are not.
    for (const [i, weight] of own.slice(0, -1).entries())
      expect(Buffer.compare(bytesOf(weight), bytesOf(expected[i])), `layer ${i}`).toBe(0);
    expect(stdOf(own.at(-1) as Float32Array) / (0.5 * Math.sqrt(2 / 74))).toBeCloseTo(1, 1);
    for (const made of [mixed, plain]) made.dispose();
  });

  it.each(['kaiming', 'kaiming-fan-in', 'xavier', 'random', 'zero', 'lecun', 'scaffold', 'orthogonal', 'delta-orthogonal', 'rbb'])(
    '%s sets every bias of a conv or linear layer to 0',
    async (name) => {
      const model = await initialized(name, 'cnn3-16');
      for (const { bias } of weightLayers(model)) expect((await bias?.read())?.every((v) => v === 0)).toBe(true);
      model.dispose();
    },
  );

  it('zero sets every weight to 0; default draws biases within ±1/√fanIn', async () => {
    const model = await initialized('zero', 'simple-cnn');
    for (const { weight } of weightLayers(model)) expect((await weight.read()).every((v) => v === 0)).toBe(true);
    const usual = await initialized('default', 'simple-cnn');
    const layer = weightLayers(usual)[2] as Linear;
    const biases = [...((await layer.bias?.read()) ?? [])];
    expect(Math.max(...biases.map(Math.abs)) * Math.sqrt(2048)).toBeLessThanOrEqual(1 + 1e-6);
    // 512 values of a uniform distribution.
    expect(Math.abs(stdOf(biases) * Math.sqrt(3 * 2048) - 1)).toBeLessThan(0.1);
    for (const made of [model, usual]) made.dispose();
  });

  it('delta-orthogonal is orthogonal with gain √2 at the centre, zero around it', async () => {
    const model = await initialized('delta-orthogonal', 'resnet20');
    for (const { weight } of weightLayers(model).filter(({ weight: w }) => w.ndim === 4 && w.shape[2] === 3)) {
      const values = [...(await weight.read())];
      const [out = 0, inputs = 0] = weight.shape;
      expect(values.every((v, i) => i % 9 === 4 || v === 0)).toBe(true);
      const centre = values.filter((_, i) => i % 9 === 4);
      for (let i = 0; i < inputs; i++)
        for (let j = 0; j <= i; j++) {
          let dot = 0;
          for (let o = 0; o < out; o++) dot += (centre[o * inputs + i] as number) * (centre[o * inputs + j] as number);
          expect(Math.abs(dot - (i === j ? 2 : 0))).toBeLessThan(1e-5);
        }
    }
    model.dispose();
  });

  it('ravs has exactly the standard deviation it says', async () => {
    const model = await initialized('ravs', 'resnet20');
    const depth = modelDepth(model);
    (await stds(model)).forEach((std, i) => {
      expect(std).toBeCloseTo(Math.SQRT2 / Math.sqrt(1 + i / depth), 4);
    });
    model.dispose();
  });

  it.each(['zero-gamma', 'fixup-bn', 'fixup++', 'rbb'])('%s zeroes the last norm of every block, and only those', async (name) => {
    const model = await initialized(name, 'resnet20');
    for (const [key, p] of model.namedParameters()) {
      if (!/bn|shortcut\.1/.test(key) || !key.endsWith('weight')) continue;
      expect([key, [...new Set(await p.read())]]).toEqual([key, [key.includes('bn2') ? 0 : 1]]);
    }
    expect(residualBlocks(model)).toHaveLength(9);
    model.dispose();
  });

  it('orthogonal makes W·Wᵀ = 2·I, wide and tall', async () => {
    const model = await initialized('orthogonal', 'resnet20');
    for (const { weight } of weightLayers(model).slice(0, 6)) {
      const values = await weight.read();
      const [rows, columns] = [weight.shape[0] as number, weight.size / (weight.shape[0] as number)];
      const small = Math.min(rows, columns);
      const at = (i: number, k: number): number => (rows <= columns ? values[i * columns + k] : values[k * columns + i]) as number;
      for (let i = 0; i < small; i++)
        for (let j = 0; j < small; j++) {
          let dot = 0;
          for (let k = 0; k < Math.max(rows, columns); k++) dot += at(i, k) * at(j, k);
          expect(Math.abs(dot - (i === j ? 2 : 0))).toBeLessThan(1e-5);
        }
    }
    model.dispose();
  });

  it('dars and ravs shift every norm by 0.01, the others by nothing', async () => {
    for (const [name, shift] of [
      ['dars', 0.01],
      ['ravs', 0.01],
      ['davs', 0],
    ] as const) {
      const model = await initialized(name, 'resnet20');
      const [, bias] = [...model.namedParameters()].find(([key]) => key === 'bn1.bias') ?? [];
      expect((await bias?.read())?.every((v) => Math.abs(v - shift) < 1e-8)).toBe(true);
      model.dispose();
    }
  });
});

describe('blocks that do not add their input', () => {
  it('keep their norms: MobileNetV2 has 17 blocks, 10 of which add', async () => {
    const model = await initialized('fixup++', 'mobilenetv2');
    expect(residualBlocks(model)).toHaveLength(10);
    for (const [key, p] of model.namedParameters()) {
      if (!/\.conv\.3\.weight$/.test(key)) continue;
      const adds = new RegExp(`^features\\.${addingBlocks}\\.`).test(key);
      expect([key, [...new Set(await p.read())]]).toEqual([key, [adds ? 0 : 1]]);
    }
    model.dispose();
  });

  // Zeroing the end of a block without a sum stops everything before it from learning.
  it.each([
    ['mobilenetv2-x0.25', 'fixup++'],
    ['mobilenetv2-x0.25', 'rbb'],
    ['mobilenetv2-x0.25', 'skipinit'],
    ['mobilenetv2-x0.25', 'rezero'],
    ['resnet8', 'fixup++'],
    ['resnet8', 'skipinit'],
    ['wrn10-1', 'zero-gamma'],
    ['wrn10-1', 'fixup-bn'],
    ['wrn10-1', 'fixup++'],
  ])('%s, %s: the first layer and every branch learn', async (arch, name) => {
    const model = await initialized(name, arch);
    const images = tensor(parityFill(4 * 3072, { seed: 1 }), { shape: [4, 3, 32, 32], device });
    backward(crossEntropy(model.forward(images), tensor(Int32Array.of(1, 2, 3, 4), { dtype: 'i32', device })));
    const learns = async (p: Tensor | undefined): Promise<boolean> => (await p?.grad?.read())?.some((v) => v !== 0) ?? false;
    expect(await learns(weightLayers(model)[0]?.weight)).toBe(true);
    for (const { module } of residualBlocks(model)) {
      const own: boolean[] = [];
      for (const p of module.parameters()) own.push(await learns(p));
      expect(own).toContain(true);
    }
    model.dispose();
  });
});

describe('models with weight norm', () => {
  it.each(['kaiming', 'default', 'orthogonal', 'fixup++'])('%s draws the weight itself: g follows', async (name) => {
    const generator = new Generator(5);
    const model = createModel('wrn10-1', { norm: 'weight', device, generator });
    await findInitializer(name).initialize(model, { arch: 'wrn10-1', numClasses: 10, depth: modelDepth(model), generator });
    for (const layer of weightLayers(model))
      expect(differs('w', await layer.effectiveWeight().read(), await layer.weight.read(), { absolute: 1e-6, relative: 1e-5 })).toBe('');
    model.dispose();
  });
});
