import {
  add,
  addInto,
  compile,
  crossEntropy,
  type Device,
  flatten,
  Generator,
  manualSeed,
  mul,
  openDevice,
  randn,
  scope,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  keepingState,
  type LayerProbe,
  Linear,
  Module,
  type ProbedLayer,
  probeLayers,
  ReLU,
  readProbes,
  readStateDict,
  Sequential,
  stateTensor,
  WeightNormLinear,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
let images: Tensor;
let labels: Tensor;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
  images = tensor(parityFill(4 * 3 * 8 * 8, { seed: 5, scale: 1.5, shift: 0.4 }), { shape: [4, 3, 8, 8] });
  labels = tensor(Int32Array.of(0, 1, 2, 1));
});
afterAll(() => device.close());

/** Looked at once, op by op. */
async function probed(model: Module, factor = 1): Promise<LayerProbe[]> {
  const { layers, numbers } = scope(() =>
    keepingState(model, () => probeLayers(model, () => mul(crossEntropy(model.forward(images), labels), factor))),
  );
  const found = readProbes(layers, await numbers.read());
  numbers.dispose();
  return found;
}

/** f32 sums of a few thousand terms, against the same in float64. */
const digits = 2e-6;
const near = (value: number | null | undefined, wanted: number): void => {
  expect(Math.abs((value ?? Number.NaN) - wanted), `${value} for ${wanted}`).toBeLessThanOrEqual(digits * Math.abs(wanted));
};
const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
}

class Tiny extends Module {
  conv = new Conv2d(3, 4, { kernelSize: 3, stride: 2, generator: new Generator(1) });
  relu = new ReLU();
  fc = new Linear(4 * 3 * 3, 3, { generator: new Generator(2) });
  override forward(x: Tensor): Tensor {
    return this.fc.forward(flatten(this.relu.forward(this.conv.forward(x))));
  }
}

/** The same net in float64; `weights`: of the convolution and its biases, of the linear layer and its biases. */
function tinyInDouble(weights: readonly Float64Array[], x: ArrayLike<number>, wanted: ArrayLike<number>) {
  const [conv, convBias, fc, fcBias] = weights as [Float64Array, Float64Array, Float64Array, Float64Array];
  const hidden: number[] = [];
  for (let n = 0; n < 4; n++)
    for (let o = 0; o < 4; o++)
      for (let at = 0; at < 9; at++) {
        const [row, column] = [Math.floor(at / 3), at % 3];
        let sum = convBias[o] as number;
        for (let c = 0; c < 3; c++)
          for (let k = 0; k < 9; k++)
            sum +=
              (conv[(o * 3 + c) * 9 + k] as number) *
              (x[((n * 3 + c) * 8 + 2 * row + Math.floor(k / 3)) * 8 + 2 * column + (k % 3)] as number);
        hidden.push(Math.max(0, sum));
      }
  const logits = Array.from({ length: 12 }, (_, i) => {
    const [n, o] = [Math.floor(i / 3), i % 3];
    let sum = fcBias[o] as number;
    for (let k = 0; k < 36; k++) sum += (fc[o * 36 + k] as number) * (hidden[n * 36 + k] as number);
    return sum;
  });
  let loss = 0;
  for (let n = 0; n < 4; n++) {
    const row = logits.slice(3 * n, 3 * n + 3);
    loss += (Math.log(row.reduce((a, z) => a + Math.exp(z), 0)) - (row[wanted[n] as number] as number)) / 4;
  }
  return { hidden, logits, loss };
}

/** Of one parameter, by central differences. */
function gradientInDouble(weights: readonly Float64Array[], of: number, loss: (weights: readonly Float64Array[]) => number): Float64Array {
  const step = 1e-5;
  return (weights[of] as Float64Array).map((value, i) => {
    const moved = (by: number): number => loss(weights.map((w, k) => (k === of ? w.with(i, value + by) : w)));
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

describe('probeLayers', () => {
  it('mean, deviation, norms and dead channels are those of float64, op by op and compiled', async () => {
    const model = new Tiny();
    // Channel 2 never fires.
    model.conv.bias?.set([0.1, -0.2, -100, 0.3]);
    const parameters = [model.conv.weight, model.conv.bias, model.fc.weight, model.fc.bias] as Tensor[];
    const weights = await Promise.all(parameters.map(async (p) => Float64Array.from(await p.read())));
    const [x, y] = [await images.read(), await labels.read()];
    const { hidden, logits } = tinyInDouble(weights, x, y);
    const loss = (w: readonly Float64Array[]): number => tinyInDouble(w, x, y).loss;

    let layers: readonly ProbedLayer[] = [];
    const step = compile((batch, wanted) => {
      const probe = probeLayers(model, () => crossEntropy(model.forward(batch), wanted));
      layers = probe.layers;
      return probe.numbers;
    });
    const numbers = await step(images, labels).read();
    for (const [conv, fc] of [await probed(model), readProbes(layers, numbers)]) {
      expect(conv).toMatchObject({ name: 'conv', activation: 'relu', dead: 0.25 });
      near(conv?.mean, momentsOf(hidden).mean);
      near(conv?.deviation, momentsOf(hidden).deviation);
      near(conv?.weightNorm, norm(weights[0] as Float64Array));
      near(conv?.gradientNorm, norm(gradientInDouble(weights, 0, loss)));
      expect(fc).toMatchObject({ name: 'fc', activation: null, dead: null });
      near(fc?.mean, momentsOf(logits).mean);
      near(fc?.deviation, momentsOf(logits).deviation);
      near(fc?.weightNorm, norm(weights[2] as Float64Array));
      near(fc?.gradientNorm, norm(gradientInDouble(weights, 2, loss)));
    }
    // Parameters have no gradients from it.
    expect(parameters.map(({ grad }) => grad)).toEqual([undefined, undefined, undefined, undefined]);
    step.dispose();
    model.dispose();
  });

  it('a layer is shown by what comes of it at the next ReLU: through norm, bias and the sum with a shortcut', async () => {
    const named = async (arch: string): Promise<Record<string, string | null>> => {
      const model = createModel(arch, { generator: new Generator(3) });
      const found = await probed(model);
      model.dispose();
      return Object.fromEntries(found.map(({ name, activation }) => [name, activation]));
    };
    const resnet = await named('resnet8');
    expect(Object.keys(resnet)).toEqual([
      'conv1',
      ...['layer1.0.conv1', 'layer1.0.conv2'],
      ...['layer2.0.conv1', 'layer2.0.conv2', 'layer2.0.shortcut.0'],
      ...['layer3.0.conv1', 'layer3.0.conv2', 'layer3.0.shortcut.0'],
      'fc',
    ]);
    expect(Object.values(resnet)).toEqual([...Array<string>(9).fill('relu'), null]);
    // Pre-activation: a sum meets the next block's ReLU, the last one none.
    expect(await named('wrn10-1')).toMatchObject({ 'conv2.0.conv2': 'relu', 'conv4.0.conv2': null });
    expect(await named('cnn2-8')).toEqual({ 'layers.0': 'relu', 'layers.1': 'relu', final_layer: null });
  });

  it('both branches of a block are shown by the block’s result; its linear bottleneck by its own', async () => {
    const model = createModel('mobilenetv2-x0.25', { generator: new Generator(3) });
    const found = await probed(model);
    model.dispose();
    const of = (name: string): LayerProbe | undefined => found.find((layer) => layer.name === name);
    expect(of('features.2.conv.0.0')?.activation).toBe('relu6');
    expect(of('features.2.conv.2')?.activation).toBeNull();
    expect(of('features.2.conv.2')?.dead).toBeNull();
  });

  it('of a weight-normalised layer it is the weight that is multiplied with, and its gradient', async () => {
    const make = (): Linear => new Linear(3 * 8 * 8, 3, { generator: new Generator(2), bias: false });
    const plain = make();
    const layer = new WeightNormLinear(3 * 8 * 8, 3, { generator: new Generator(2), bias: false });
    const flat = (inner: Linear): Module => new Sequential(new Flat(), inner);
    const [wanted] = await probed(flat(plain));
    const [found] = await probed(flat(layer));
    near(found?.weightNorm, wanted?.weightNorm as number);
    near(found?.gradientNorm, wanted?.gradientNorm as number);
  });

  it('sizes whose squares are no f32', async () => {
    const model = new Tiny();
    const usual = await probed(model);
    const tiny = await probed(model, 1e-25);
    for (const [i, layer] of usual.entries()) near(tiny[i]?.gradientNorm, 1e-25 * (layer.gradientNorm as number));
    const { weight, bias } = model.conv;
    weight.set((await weight.read()).map((w) => w * 1e25));
    bias?.set((await bias.read()).map((b) => b * 1e25));
    const [huge] = await probed(model);
    near(huge?.deviation, 1e25 * (usual[0]?.deviation as number));
    near(huge?.weightNorm, 1e25 * (usual[0]?.weightNorm as number));
    model.dispose();
  });
});

class Flat extends Module {
  override forward(x: Tensor): Tensor {
    return flatten(x);
  }
}

/** A layer of one's own that draws, and counts in a buffer of its own. */
class Noise extends Module {
  readonly seen = stateTensor([2], { value: 1 });
  override forward(x: Tensor): Tensor {
    addInto(this.seen, mul(this.seen, 0.5));
    return add(x, mul(randn(x.shape), 0.1));
  }
}

describe('keepingState', () => {
  const made = (): Module => {
    const generator = new Generator(7);
    return new Sequential(
      new Conv2d(3, 4, { kernelSize: 3, generator }),
      new BatchNorm2d(4),
      new ReLU(),
      new Noise(),
      new BatchNorm2d(4, { momentum: null }),
      new Dropout(0.5, { generator }),
    );
  };
  /** Passes as training makes them, with or without a look before each: what came out, and what the model is afterwards. */
  async function passes({ look, compiled }: { look: boolean; compiled: boolean }): Promise<unknown> {
    const model = made();
    const outputs: unknown[] = [];
    const pass = (x: Tensor): Tensor => model.forward(x);
    const watch = (x: Tensor): Tensor => keepingState(model, () => mul(model.forward(x), 1));
    const [step, looking] = compiled ? [compile(pass), compile(watch)] : [pass, watch];
    const looked: unknown[] = [];
    manualSeed(11);
    for (let i = 0; i < 3; i++) {
      if (look) looked.push([...(await looking(images).read())]);
      outputs.push([...(await step(images).read())]);
    }
    // A look sees what the pass after it does.
    if (look) expect(looked).toEqual(outputs);
    const state = [...(await readStateDict(model))].map(([name, { data }]) => [name, [...data]]);
    const counts = model
      .modules()
      .flatMap((m) => (m instanceof Dropout ? [m.step] : m instanceof BatchNorm2d ? [m.numBatchesTracked] : []));
    model.dispose();
    return { outputs, state, counts };
  }

  for (const compiled of [false, true])
    it(`statistics, dropout, generators and buffers of one's own go on as if nothing had looked${compiled ? ', compiled' : ''}`, async () => {
      const wanted = await passes({ look: false, compiled });
      expect(await passes({ look: true, compiled })).toEqual(wanted);
      expect(wanted).toMatchObject({ counts: [3, 3, 3] });
    });

  it('puts all back also where the pass throws', async () => {
    const model = made();
    const before = await readStateDict(model);
    expect(() =>
      keepingState(model, () => {
        model.forward(images);
        throw new Error('seen enough');
      }),
    ).toThrow('seen enough');
    expect(await readStateDict(model)).toEqual(before);
    model.dispose();
  });
});
