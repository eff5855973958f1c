import {
  backward,
  compile,
  crossEntropy,
  type Device,
  Generator,
  mul,
  openDevice,
  reshape,
  scope,
  type Tensor,
  tensor,
} from '@initlab/core';
import { createModel, defaultNorm, listModels } from '@initlab/models';
import { Module, normOf, Parameter, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** A small member of each family, compared value by value; every-example.test.ts takes a step with the others. */
const small: Record<string, readonly [name: string, norm: string]> = {
  'simple-cnn': ['simple-cnn', 'none'],
  'resnet<6n+2>': ['resnet8', 'batch'],
  'vgg<11|13|16|19>-bn': ['vgg11-bn-x0.125', 'batch'],
  mobilenetv2: ['mobilenetv2-x0.25', 'batch'],
  'wrn<6n+4>-<width>': ['wrn10-2', 'batch'],
  'plain-resnet<6n+2>': ['plain-resnet8', 'weight'],
  'fixup-resnet<6n+2>': ['fixup-resnet8', 'none'],
  'mlp<depth>-<width>': ['mlp3-32', 'weight'],
  'cnn<depth>-<width>': ['cnn3-16', 'group'],
  'preact-resnet<6n+2>': ['preact-resnet8', 'batch'],
  'stochastic-depth-resnet<6n+2>': ['stochastic-depth-resnet8', 'batch'],
  'imagenet-resnet<18|34|50|101|152>': ['imagenet-resnet18-x0.125', 'batch'],
  'densenet-bc-<6n+4>-<growth>': ['densenet-bc-10-12', 'batch'],
  'imagenet-convnext-<tiny|small>': ['imagenet-convnext-tiny-x0.125', 'channel-layer'],
};
/** Families without a small member: the class of `densenet-bc-…`, which parity-tests/models.test.ts compares with torchvision's. */
const large = ['imagenet-densenet<121|161|169|201>'];

/** Numbers of learned values for ten classes, counted from the papers' descriptions. */
const counts: Record<string, number> = {
  'simple-cnn': 1_059_306,
  resnet20: 272_474,
  resnet32: 466_906,
  resnet44: 661_338,
  resnet56: 855_770,
  resnet110: 1_730_714,
  'densenet-bc-100-12': 769_162,
};

async function train(name: string, { norm, how }: { norm?: string | undefined; how: 'eager' | 'exact' | 'compiled' }): Promise<number[][]> {
  const generator = new Generator(5);
  const model = createModel(name, { numClasses: 10, device, generator, ...(norm ? { norm } : {}) });
  // Four images, as in the other tests of first steps: a driver that compiles slowly has their kernels once.
  const images = tensor(parityFill(4 * 3072, { seed: 1, scale: 1.5 }), { shape: [4, 3, 32, 32], device });
  const labels = tensor(Int32Array.of(1, 3, 5, 7), { dtype: 'i32', device });
  const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  const body = (): Tensor => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(images), labels);
    backward(loss);
    optimizer.step();
    return loss;
  };
  const step = how === 'eager' ? body : compile(body, { device, exact: how === 'exact' });
  const values: number[][] = [[await step().item()]];
  for (const p of model.parameters()) values.push([...(await p.read())] as number[]);
  await checkGradients(model);
  model.dispose();
  optimizer.dispose();
  return values;
}

/** A user's norm: a scale per channel. */
class OwnNorm extends Module {
  scale: Parameter;
  constructor(numFeatures: number, options: { device?: Device | undefined } = {}) {
    super();
    this.scale = new Parameter([numFeatures], { ...options, value: 1 });
  }
  override forward(x: Tensor): Tensor {
    return mul(x, reshape(this.scale, [1, this.scale.size, 1, 1]));
  }
}

async function checkGradients(model: Module): Promise<void> {
  for (const [key, p] of model.namedParameters()) {
    expect(p.grad, key).toBeDefined();
    expect((await (p.grad as Tensor).read()).every(Number.isFinite), key).toBe(true);
  }
}

describe('the zoo', () => {
  it('every family has a small member here', () => {
    expect([...Object.keys(small), ...large].sort()).toEqual(
      listModels()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it.each(Object.values(small))(
    '%s: finite gradients everywhere; compiled equals eager',
    async (name, norm) => {
      const eager = await train(name, { norm, how: 'eager' });
      const exact = await train(name, { norm, how: 'exact' });
      const wrong = exact.flatMap((values, i) => (values.every((v, k) => Object.is(v, eager[i]?.[k])) ? [] : [i]));
      expect(wrong, 'tensors whose bits differ with the same kernels').toEqual([]);
      // Other kernels and fused ones add in another order: rounding in the gradients, times the rate.
      const compiled = await train(name, { norm, how: 'compiled' });
      for (const [i, values] of compiled.entries())
        expect(differs(`tensor ${i}`, values, eager[i] as number[], { absolute: 1e-4, relative: 1e-3 })).toBe('');
    },
    300_000,
  );

  it.each(Object.values(small))(
    '%s takes any norm: a layer, one in the weights, one with its own convolution, a class of one’s own',
    async (name) => {
      const labels = tensor(Int32Array.of(1, 3, 5, 7), { dtype: 'i32', device });
      const images = tensor(parityFill(4 * 3072, { seed: 1, scale: 1.5 }), { shape: [4, 3, 32, 32], device });
      const plain = createModel(name, { norm: 'none', device });
      const bare = new Set([...plain.namedParameters()].map(([key]) => key));
      plain.dispose();
      // The kinds a model has to tell apart; norms.test.ts trains ResNet-8 with every one that is registered.
      for (const norm of ['group', 'weight', 'weight-standardised-group', normOf(OwnNorm)]) {
        const label = typeof norm === 'string' ? norm : 'a class of one’s own';
        const model = createModel(name, { norm, device, generator: new Generator(5) });
        // A choice without effect would be no choice.
        const added = [...model.namedParameters()].filter(([key]) => !bare.has(key));
        expect(added.length, label).toBeGreaterThan(0);
        scope(() => backward(crossEntropy(model.forward(images), labels)));
        await checkGradients(model);
        model.dispose();
      }
    },
    300_000,
  );

  it('nets designed without a norm have none where none is asked for, ConvNeXt has layer norm, all others batch norm', () => {
    const own = Object.values(small).map(([name]) => [name, defaultNorm(name)]);
    const others = new Map([
      ...['simple-cnn', 'fixup-resnet8', 'mlp3-32', 'cnn3-16'].map((name) => [name, 'none'] as const),
      ['imagenet-convnext-tiny-x0.125', 'channel-layer'],
    ]);
    expect(own).toEqual(Object.values(small).map(([name]) => [name, others.get(name) ?? 'batch']));
    for (const [name, norm] of own as [string, string][]) {
      const [asked, left] = [createModel(name, { norm, device }), createModel(name, { device })];
      expect([...left.stateDict().keys()]).toEqual([...asked.stateDict().keys()]);
    }
  });

  it('the ResNet of arXiv:1906.02341 has a norm behind its first convolution and one before the pooling; with weight norm, none', () => {
    const norms = (name: string, norm: string): string[] =>
      [...createModel(name, { norm, device }).namedParameters()].map(([key]) => key).filter((key) => /^bn\d\./.test(key));
    expect(norms('plain-resnet8', 'batch')).toEqual(['bn1.weight', 'bn1.bias', 'bn2.weight', 'bn2.bias']);
    expect(norms('plain-resnet8', 'weight')).toEqual([]);
    expect(norms('wrn10-1', 'batch')).toEqual([]);
  });

  it('a net of a fraction of the channels; none of no channels', () => {
    const size = (name: string): number =>
      createModel(name, { device })
        .parameters()
        .reduce((sum, p) => sum + p.size, 0);
    expect(size('mobilenetv2-x1')).toBe(size('mobilenetv2'));
    // An eighth of the channels of a net of nine million.
    expect(size('vgg11-bn-x0.125')).toBeLessThan(9e6 / 60);
    expect(size('vgg11-bn-x0.125')).toBeGreaterThan(9e6 / 65);
    expect(() => createModel('vgg11-bn-x0', { device })).toThrow(/width 0/);
    expect(() => createModel('mobilenetv2-x0', { device })).toThrow(/width 0/);
  });

  it.each(Object.entries(counts))('%s has the published number of parameters', (name, count) => {
    const model = createModel(name, { numClasses: 10, device });
    expect(model.parameters().reduce((sum, p) => sum + p.size, 0)).toBe(count);
    model.dispose();
  });

  it('unknown names are refused with the known ones', () => {
    expect(() => createModel('resnet21', { device })).toThrow(/6n \+ 2/);
    expect(() => createModel('lenet', { device })).toThrow(/known are .*simple-cnn/);
  });
});
