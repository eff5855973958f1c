import { readFileSync } from 'node:fs';
import { type Device, Generator, openDevice } from '@initlab/core';
import { createModel, DenseNet, modelImageSize } from '@initlab/models';
import { Conv2d, DropPath, loadStateDict, type Module, readStateDict } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlannedDevice } from '../../packages/lab/src/plan/index.js';

interface Net {
  readonly parameters: number;
  /** In the order of the state dict: `layer1.0.conv1.weight 64x64x3x3`. */
  readonly keys: readonly string[];
}
const nets = JSON.parse(readFileSync(new URL('../parity/torchvision-keys.json', import.meta.url), 'utf8')) as Record<string, Net>;

/** What torchvision's page says of each. */
const published: Readonly<Record<string, number>> = {
  'imagenet-resnet18': 11_689_512,
  'imagenet-resnet34': 21_797_672,
  'imagenet-resnet50': 25_557_032,
  'imagenet-densenet121': 7_978_856,
  'imagenet-convnext-tiny': 28_589_128,
};

/** Draws nothing: of nets this large only the shapes are looked at. */
class Idle extends Generator {
  override uniform(): number {
    return 0.5;
  }
  override normal(): number {
    return 0;
  }
}

describe('nets with torchvision’s keys', () => {
  it.each(Object.entries(published))('%s: keys, shapes and count', async (name, count) => {
    const device = await openPlannedDevice('h100');
    const model = createModel(name, { device, generator: new Idle(1) });
    const net = nets[name] as Net;
    expect([...model.stateDict()].map(([key, { shape }]) => `${key} ${shape.join('x')}`)).toEqual(net.keys);
    expect(model.parameters().reduce((sum, p) => sum + p.size, 0)).toBe(count);
    expect(net.parameters).toBe(count);
    expect(modelImageSize(name)).toBe(224);
    device.close();
  });
});

describe('how they start', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.close());

  const start = (name: string): Module => createModel(name, { device, generator: new Generator(3) });
  /** Root mean square of the weights of a layer, over what it should be. */
  async function spread(model: Module, key: string, expected: number): Promise<number> {
    const values = await (model.stateDict().get(`${key}.weight`) as { read(): Promise<ArrayLike<number>> }).read();
    return Math.sqrt(Array.from(values, (v) => v * v).reduce((a, b) => a + b, 0) / values.length) / expected;
  }

  it('as torchvision’s do', async () => {
    const [resnet, densenet, convnext] = ['resnet18', 'densenet121', 'convnext-tiny'].map((net) => start(`imagenet-${net}-x0.25`)) as [
      Module,
      Module,
      Module,
    ];
    // N(0, 2 / fanOut) with a stride; PyTorch's own in the classifier, U(±1/√128).
    expect(await spread(resnet, 'layer3.0.conv1', Math.sqrt(2 / (64 * 9)))).toBeCloseTo(1, 1);
    expect(await spread(resnet, 'fc', 1 / Math.sqrt(3 * 128))).toBeCloseTo(1, 1);
    // N(0, 2 / fanIn); a classifier without a bias at first.
    expect(await spread(densenet, 'features.denseblock4.denselayer1.conv1', Math.sqrt(2 / 128))).toBeCloseTo(1, 1);
    expect(new Set(await densenet.stateDict().get('classifier.bias')?.read())).toEqual(new Set([0]));
    expect(await spread(convnext, 'features.7.0.block.3', 0.02)).toBeCloseTo(1, 1);
    expect(await spread(convnext, 'features.0.0', 0.02)).toBeCloseTo(1, 1);
    expect(new Set(await convnext.stateDict().get('features.7.0.block.0.bias')?.read())).toEqual(new Set([0]));
    expect((await convnext.stateDict().get('features.1.0.layer_scale')?.read())?.[0]).toBeCloseTo(1e-6, 12);
    for (const model of [resnet, densenet, convnext]) model.dispose();
  });

  it('stochastic depth rises by equal steps: to a half in the last block, in ConvNeXt from 0 to a tenth', () => {
    const rates = (name: string): number[] => {
      const model = start(name);
      const found = model.modules().flatMap((m) => (m instanceof DropPath ? [m.p] : []));
      model.dispose();
      return found;
    };
    expect(rates('stochastic-depth-resnet20')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((l) => (0.5 * l) / 9));
    expect(rates('resnet20')).toEqual([]);
    const convnext = rates('imagenet-convnext-tiny-x0.125');
    expect([convnext.length, convnext[0], convnext[17]]).toEqual([18, 0, 0.1]);
  });

  it('a DenseNet takes files of before torchvision 0.3, whose keys say norm.1 for norm1', async () => {
    const [from, to] = [3, 4].map((seed) => new DenseNet([1, 2], { growth: 4, device, generator: new Generator(seed) })) as [
      DenseNet,
      DenseNet,
    ];
    const saved = await readStateDict(from);
    const old = new Map([...saved].map(([key, x]) => [key.replace(/(denselayer\d+\.(?:norm|conv))([12])/, '$1.$2'), x]));
    expect([...old.keys()]).toContain('features.denseblock2.denselayer2.norm.1.running_mean');
    expect(loadStateDict(to, old)).toEqual({ missing: [], unexpected: [] });
    expect(await readStateDict(to)).toEqual(saved);
    for (const model of [from, to]) model.dispose();
  });

  it('a pre-activation net of the paper’s with bottlenecks says so by its name', () => {
    expect(() => createModel('preact-resnet164', { device })).toThrow(/preact-resnet164-bottleneck makes it/);
    expect(() => createModel('preact-resnet21-bottleneck', { device })).toThrow(/9n \+ 2 layers; nearest are preact-resnet20-bottleneck/);
    const model = createModel('preact-resnet20-bottleneck', { device });
    // 2 blocks of 3 convolutions in each of 3 stages, the first, and three on shortcuts.
    expect(model.modules().filter((m) => m instanceof Conv2d).length).toBe(22);
    model.dispose();
    expect(() => createModel('imagenet-resnet20', { device })).toThrow(/18, 34, 50, 101, 152 layers, got 20/);
    expect(() => createModel('imagenet-densenet120', { device })).toThrow(/121, 161, 169, 201 layers, got 120/);
    expect(() => createModel('resnet50', { device })).toThrow(/imagenet-resnet50 here; cifar-resnet50 makes the CIFAR net/);
  });
});
