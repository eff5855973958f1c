import { readFileSync } from 'node:fs';
import { compile, type Device, openDevice, scope, type Tensor, tensor } from '@initlab/core';
import {
  AveragedModel,
  BatchNorm2d,
  Conv2d,
  ExponentialMovingAverage,
  loadStateDict,
  Module,
  Parameter,
  Sequential,
  SGD,
  saveStateDict,
  swaLr,
  updateBatchNorm,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { names, vectors } from '../support/optimizer-steps.js';
import { parityFill } from '../support/parity-fill.js';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const parity = JSON.parse(readFileSync(new URL('../parity/optimizers.json', import.meta.url), 'utf8')) as {
  readonly averages: Readonly<Record<'plain' | 'exponential', Readonly<Record<string, number[]>>>>;
  readonly swaLr: readonly { annealStrategy: 'cos' | 'linear'; annealSteps: number; rates: number[] }[];
};

/** Parameters a, b and c. */
class Three extends Module {
  readonly a = new Parameter(vectors.a, { device });
  readonly b = new Parameter(vectors.b, { device });
  readonly c = new Parameter(vectors.c, { device });
  override forward(x: Tensor): Tensor {
    return x.add(this.a);
  }
}
/** As the models of test/parity/parity_optimizers.py. */
function started(): { model: Three; step: (k: number) => void } {
  const model = new Three();
  for (const [i, name] of names.entries()) model[name].set(parityFill(model[name].size, { seed: i + 1 }));
  const optimizer = new SGD([{ params: [model.a, model.b] }, { params: [model.c] }], { lr: 0.1 });
  const step = (k: number): void => {
    for (const [i, name] of names.entries()) {
      const p = model[name];
      if (name === 'b' && k === 1) p.zeroGrad();
      else p.grad = p.gradSlot?.set(parityFill(p.size, { seed: 10 * k + 11 + i, scale: 0.3 }));
    }
    scope(() => optimizer.step());
  };
  return { model, step };
}
const bound = { absolute: 1e-6, relative: 1e-6 };

it.each([undefined, 0.9])('the first update copies, whatever the average was: decay %s', async (decay) => {
  const [model, average] = [new Three(), new Three()];
  model.a.set([1, 2, 3, 4, 5]);
  average.a.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 3e38]);
  const averaged = new AveragedModel(average, { decay });
  averaged.updateParameters(model);
  expect([...(await average.a.read())]).toEqual([1, 2, 3, 4, 5]);
  averaged.updateParameters(model);
  expect(differs('again', await average.a.read(), [1, 2, 3, 4, 5], bound)).toBe('');
});

it('updateBatchNorm is no part of a compiled function', () => {
  const step = compile(() => updateBatchNorm(new Sequential(new BatchNorm2d(1, { device })), []), { device });
  expect(step).toThrow(/updateBatchNorm: a compiled function runs its JavaScript once.*call it between steps/);
});

describe.each(['eager', 'compiled'])('an average of a model’s parameters is PyTorch’s: %s', (way) => {
  it.each([
    ['plain', (module: Module) => new AveragedModel(module)],
    ['exponential', (module: Module) => new ExponentialMovingAverage(module, { decay: 0.9 })],
  ] as const)('%s, begun again from a file after two updates', async (kind, make) => {
    const { model, step } = started();
    let averaged = make(new Three());
    for (let k = 0; k < 4; k++) {
      step(k);
      const body = (): void => averaged.updateParameters(model);
      const update = way === 'compiled' ? compile(body, { device }) : body;
      update();
      if (k !== 1) continue;
      const file = await saveStateDict(averaged);
      averaged = make(new Three());
      loadStateDict(averaged, file);
    }
    expect([...averaged.stateDict().keys()]).toEqual(['n_averaged', 'module.a', 'module.b', 'module.c']);
    expect(await averaged.nAveraged.item()).toBe(4);
    for (const name of names)
      expect(differs(name, await (averaged.module as Three)[name].read(), parity.averages[kind][name] as number[], bound)).toBe('');
    const x = tensor(new Float32Array(5), { device });
    expect(await averaged.forward(x).read()).toEqual(await (averaged.module as Three).a.read());
  });
});

const net = (): Sequential => new Sequential(new Conv2d(1, 2, { kernelSize: 1, device }), new BatchNorm2d(2, { device }));
const batch = (seed: number): Tensor => tensor(parityFill(12, { seed }), { shape: [3, 1, 2, 2], device });

describe('buffers and batch norms', () => {
  it('are the model’s, or averaged as parameters are; a compiled update has the counters of every call', async () => {
    const model = net();
    const [kept, mean] = [new AveragedModel(net()), new AveragedModel(net(), { useBuffers: true })];
    const step = compile(
      (x) => {
        model.forward(x);
        kept.updateParameters(model);
        mean.updateParameters(model);
      },
      { device },
    );
    const norm = (of: AveragedModel | { module: Module }): BatchNorm2d => (of.module as Sequential).modules()[2] as BatchNorm2d;
    const seen: Float32Array[] = [];
    for (const seed of [1, 2, 3]) {
      step(batch(seed));
      seen.push(((await norm({ module: model }).runningVar?.read()) ?? []) as Float32Array);
      expect([norm(kept).numBatchesTracked, norm(mean).numBatchesTracked]).toEqual([seed, seed]);
    }
    expect(await norm(kept).runningVar?.read()).toEqual(seen[2]);
    const expected = Array.from({ length: 2 }, (_, i) => seen.reduce((sum, values) => sum + (values[i] as number), 0) / 3);
    expect(differs('mean', (await norm(mean).runningVar?.read()) ?? [], expected, bound)).toBe('');
  });

  it('updateBatchNorm: the average over batches, whatever was there; momentum and modes stay', async () => {
    const model = net().eval();
    const [conv, norm] = [model.modules()[1], model.modules()[2]] as [Conv2d, BatchNorm2d];
    norm.runningMean?.set([5, 5]);
    norm.numBatchesTracked = 7;
    norm.training = true;
    updateBatchNorm(model, [1, 2, 3].map(batch));
    expect([norm.numBatchesTracked, norm.momentum, norm.training, model.training]).toEqual([3, 0.1, true, false]);
    const [weight, bias] = [await conv.weight.read(), await (conv.bias as Tensor).read()];
    const expected = [0, 1].map((channel) => {
      const values = [1, 2, 3].map((seed) => [...parityFill(12, { seed })].map((x) => x * Number(weight[channel]) + Number(bias[channel])));
      const means = values.map((v) => v.reduce((sum, x) => sum + x, 0) / 12);
      const variances = values.map((v, k) => v.reduce((sum, x) => sum + (x - (means[k] as number)) ** 2, 0) / 11);
      return { mean: means.reduce((a, b) => a + b) / 3, variance: variances.reduce((a, b) => a + b) / 3 };
    });
    expect(
      differs(
        'mean',
        (await norm.runningMean?.read()) ?? [],
        expected.map(({ mean }) => mean),
        bound,
      ),
    ).toBe('');
    expect(
      differs(
        'variance',
        (await norm.runningVar?.read()) ?? [],
        expected.map(({ variance }) => variance),
        bound,
      ),
    ).toBe('');
  });
});

describe('what is refused', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a decay of 1', () => new ExponentialMovingAverage(new Three(), { decay: 1 }), /decay is 1; give a number from 0 below 1/],
    ['no module', () => new AveragedModel(untyped(3)), /AveragedModel: takes a Module, got 3/],
    ['a module with nothing to average', () => new AveragedModel(new Sequential()), /neither parameters nor buffers/],
    [
      'its own model',
      () => {
        const averaged = new AveragedModel(new Three());
        averaged.updateParameters(averaged.module);
      },
      /a is the average’s own/,
    ],
    ['another model', () => new AveragedModel(new Three()).updateParameters(net()), /the average has a where the model has 0\.weight/],
    ['one batch', () => updateBatchNorm(net(), untyped(batch(1))), /of one batch give \[images\]/],
    ['batches that are none', () => updateBatchNorm(net(), untyped([1])), /a batch is 1; give tensors/],
    ['a rate that is none', () => swaLr(0.1, { swaLr: -1 }), /swaLr is -1/],
    ['another way', () => swaLr(0.1, { swaLr: 1, annealStrategy: untyped('exp') }), /annealStrategy/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

it('swaLr gives PyTorch’s rates', () => {
  for (const { rates, ...options } of parity.swaLr) {
    const schedule = swaLr(0.1, { swaLr: 0.02, ...options });
    for (const [step, rate] of rates.entries()) expect(schedule(step)).toBeCloseTo(rate, 12);
  }
});
