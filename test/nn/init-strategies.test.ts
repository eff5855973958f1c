import { type Device, Generator, openDevice } from '@initlab/core';
import { createModel } from '@initlab/models';
import { findInitializer, type Module, modelDepth, residualBlocks, weightLayers } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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
const stdOf = (values: ArrayLike<number>): number => {
  const list = Array.from(values);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return Math.sqrt(list.reduce((a, b) => a + (b - mean) ** 2, 0) / (list.length - 1));
};
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

describe('strategies on resnet20', () => {
  const factors: Record<string, (i: number, model: Module) => number> = {
    kaiming: () => 1,
    davs: (i, model) => (i === modelDepth(model) - 1 ? 1 : (1 + i / modelDepth(model)) ** -0.25),
    dars: (i, model) => (i === modelDepth(model) - 1 ? 1 : (1 + i / modelDepth(model)) ** -0.5),
    'fixup-bn': (i, model) => (residualBlocks(model).some((b) => b.lastConv === weightLayers(model)[i]) ? 1 / 3 : 1),
  };
  it.each(Object.keys(factors))('%s scales every layer by its formula', async (name) => {
    const model = await initialized(name, 'resnet20');
    const expected = kaimingStds(model);
    (await stds(model)).forEach((std, i) => {
      const size = weightLayers(model)[i]?.weight.size ?? 1;
      // A sample's own deviation: 1/√(2n) relative, five times that.
      const factor = factors[name]?.(i, model) ?? 1;
      expect(Math.abs(std / ((expected[i] as number) * factor) - 1)).toBeLessThan(5 / Math.sqrt(2 * size));
    });
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

describe('strategies on mobilenetv2', () => {
  it('fixup++ finds inverted residuals and scales their last convolution', async () => {
    const model = await initialized('fixup++', 'mobilenetv2');
    const blocks = residualBlocks(model);
    expect(blocks).toHaveLength(17);
    const last = blocks[16]?.lastConv;
    const std = stdOf((await last?.weight.read()) ?? []);
    // A 1×1 convolution: √½ for that, and 17^−½ for the block.
    const expected = Math.sqrt(2 / (last?.outChannels ?? 1)) * Math.SQRT1_2 * 17 ** -0.5;
    expect(Math.abs(std / expected - 1)).toBeLessThan(0.02);
    model.dispose();
  });
});
