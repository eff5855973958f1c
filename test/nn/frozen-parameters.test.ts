import { backward, compile, type Device, mul, openDevice, scope, sum, type Tensor, tensor } from '@initlab/core';
import { Adam, AdamW, LossScaler, type Optimizer, Parameter, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const sizes = [5, 70, 3, 9];
const steps = 6;
/** f32 against float64 after a few steps. */
const bound = { absolute: 2e-6, relative: 1e-5 };
const valuesOf = (k: number): Float32Array => parityFill(sizes[k] as number, { seed: k + 1 });
const gradientOf = (k: number, step: number): Float32Array => parityFill(sizes[k] as number, { seed: 10 * (step + 1) + k });

/** PyTorch's formulas for one element, in float64: a step gives the new weight. */
type Rule = () => (w: number, g: number) => number;
const sgd =
  ({ lr, momentum, decay, dampening = 0 }: { lr: number; momentum: number; decay: number; dampening?: number }): Rule =>
  () => {
    let buffer: number | undefined;
    return (w, g) => {
      const d = g + decay * w;
      buffer = buffer === undefined ? d : momentum * buffer + (1 - dampening) * d;
      return w - lr * buffer;
    };
  };
const adam =
  ({ lr, decay, decoupled }: { lr: number; decay: number; decoupled: boolean }): Rule =>
  () => {
    let [m, v, t] = [0, 0, 0];
    return (before, gradient) => {
      const w = decoupled ? before * (1 - lr * decay) : before;
      const g = decoupled ? gradient : gradient + decay * w;
      t++;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      return w - (lr * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
    };
  };

const optimisers: readonly [string, (params: Parameter[]) => Optimizer, Rule][] = [
  [
    'SGD',
    (p) => new SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.05, dampening: 0.5 }),
    sgd({ lr: 0.1, momentum: 0.9, decay: 0.05, dampening: 0.5 }),
  ],
  ['Adam', (p) => new Adam(p, { lr: 0.01, weightDecay: 0.05 }), adam({ lr: 0.01, decay: 0.05, decoupled: false })],
  ['AdamW', (p) => new AdamW(p, { lr: 0.01, weightDecay: 0.05 }), adam({ lr: 0.01, decay: 0.05, decoupled: true })],
];
/** Which parameters learn at each step: the second is frozen from the start, the third later, the first joins later. */
const learning: readonly (readonly [string, (k: number, step: number) => boolean])[] = [
  ['frozen from the start', (k) => k !== 1],
  ['frozen later', (k, step) => k !== 2 || step < 3],
  ['thawed later', (k, step) => k !== 0 || step >= 2],
  ['all of these', (k, step) => k !== 1 && (k !== 2 || step < 3) && (k !== 0 || step >= 2)],
];

function expected(rule: Rule, learns: (k: number, step: number) => boolean): number[][] {
  return sizes.map((_, k) =>
    Array.from(valuesOf(k), (start, i) => {
      const update = rule();
      let w = start;
      for (let step = 0; step < steps; step++) if (learns(k, step)) w = update(w, gradientOf(k, step)[i] as number);
      return w;
    }),
  );
}

function parameters(): Parameter[] {
  return sizes.map((size, k) => new Parameter([size], { device }).set(valuesOf(k)) as Parameter);
}

describe.each(optimisers)('%s', (_, make, rule) => {
  it.each(learning)('leaves a parameter without a gradient alone: %s', async (__, learns) => {
    const all = parameters();
    const optimizer = make(all);
    for (let step = 0; step < steps; step++)
      scope(() => {
        optimizer.zeroGrad();
        for (const [k, p] of all.entries()) p.requiresGrad_(learns(k, step));
        for (const [k, p] of all.entries()) if (p.requiresGrad) backward(sum(mul(p, tensor(gradientOf(k, step), { device }))));
        optimizer.step();
      });
    const wanted = expected(rule, learns);
    for (const [k, p] of all.entries()) expect(differs(`parameter ${k}`, await p.read(), wanted[k] as number[], bound)).toBe('');
    optimizer.dispose();
  });

  it('in compiled steps as when they were recorded', async () => {
    const learns = (k: number, step: number): boolean => k !== 1 && (k !== 2 || step < 3);
    const all = parameters();
    const optimizer = make(all);
    const record = () =>
      compile(
        (...gradients: Tensor[]) => {
          optimizer.zeroGrad();
          for (const [k, p] of all.entries()) if (p.requiresGrad) backward(sum(mul(p, gradients[k] as Tensor)));
          optimizer.step();
        },
        { device },
      );
    let train = record();
    for (let step = 0; step < steps; step++) {
      for (const [k, p] of all.entries()) p.requiresGrad_(learns(k, step));
      if (step === 3) train = record();
      train(...sizes.map((___, k) => gradientOf(k, step)));
    }
    const wanted = expected(rule, learns);
    for (const [k, p] of all.entries()) expect(differs(`parameter ${k}`, await p.read(), wanted[k] as number[], bound)).toBe('');
  });
});

it('all with a gradient are one dispatch; one frozen among them makes two', () => {
  const all = parameters();
  const optimizer = new SGD(all, { lr: 0.1, momentum: 0.9 });
  const updates = (): number => {
    const step = compile(
      () => {
        optimizer.zeroGrad();
        for (const p of all) if (p.requiresGrad) backward(sum(mul(p, 2)));
        optimizer.step();
      },
      { device },
    );
    step();
    return step.stats().variants.filter((name) => name.includes('optim-')).length;
  };
  expect(updates()).toBe(1);
  all[1]?.requiresGrad_(false);
  expect(updates()).toBe(2);
});

it('one frozen with a gradient from before stays as it is, also under a loss scaler and clipping', async () => {
  const [a, b] = [new Parameter([2], { device, value: 1 }), new Parameter([2], { device, value: 1 })];
  const optimizer = new SGD([a, b], { lr: 1, momentum: 0.9, weightDecay: 0.1 });
  const scaler = new LossScaler({ device, scale: 4 });
  backward(sum(mul(b, 1000)));
  b.requiresGrad_(false);
  backward(scaler.scale(sum(mul(a, 3))));
  scaler.step(optimizer, { clipNorm: Math.SQRT2 });
  // Clipped to 1 without b's thousand, then the decay.
  expect(differs('a', await a.read(), [-0.1, -0.1], { absolute: 1e-5, relative: 0 })).toBe('');
  expect([...(await b.read())]).toEqual([1, 1]);
});

it('a gradient from before the optimiser, or set by hand, counts', async () => {
  const p = new Parameter([2], { device, value: 1 });
  backward(sum(mul(p, 2)));
  const optimizer = new SGD([p], { lr: 1 });
  backward(sum(p));
  optimizer.step();
  expect([...(await p.read())]).toEqual([-2, -2]);
  optimizer.zeroGrad();
  p.grad = tensor([1, 2], { device });
  optimizer.step();
  expect([...(await p.read())]).toEqual([-3, -4]);
});
