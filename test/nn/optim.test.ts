import {
  backward,
  compile,
  crossEntropy,
  type Device,
  Generator,
  mul,
  narrow,
  openDevice,
  scope,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  Adam,
  constantLr,
  linearLr,
  type Module,
  type Optimizer,
  Parameter,
  quadraticWarmupLr,
  SGD,
  sequentialLr,
  stepLr,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const parameter = (count: number, seed: number): Parameter => {
  const p = new Parameter([count], { device });
  p.set(parityFill(count, { seed }));
  return p;
};
/** Gives each parameter the gradient `values`, through the tape. */
function giveGradients(pairs: readonly (readonly [Parameter, Float32Array])[]): void {
  for (const [p, values] of pairs) backward(sum(mul(p, tensor(values, { device }))));
}
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())] as number[];
/** f32 against float64 after a few steps. */
const bound = { absolute: 1e-6, relative: 1e-5 };

describe('dispose', () => {
  it('lets the parameters go: values and gradients stay, another optimiser takes them, and nothing is left in the end', async () => {
    const before = device.memory.liveBytes;
    const a = parameter(300, 1);
    const first = new SGD([a], { lr: 0.1, momentum: 0.9 });
    scope(() => giveGradients([[a, parityFill(300, { seed: 2 })]]));
    const [values, gradient] = [await numbers(a), await numbers(a.grad as Tensor)];
    first.dispose();
    expect(await numbers(a)).toEqual(values);
    expect(await numbers(a.grad as Tensor)).toEqual(gradient);
    const second = new Adam([a], { lr: 0.1 });
    second.zeroGrad();
    scope(() => giveGradients([[a, parityFill(300, { seed: 2 })]]));
    scope(() => second.step());
    expect(await numbers(a)).not.toEqual(values);
    second.dispose();
    a.grad?.dispose();
    a.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });
});

describe('parameter groups', () => {
  it('have rates and decays of their own: SGD with Nesterov momentum against float64', async () => {
    const [a, b] = [parameter(5, 1), parameter(7, 2)];
    const groups = [{ params: [a] }, { params: [b], lrMultiplier: 0.1, weightDecay: 0 }];
    const optimizer = new SGD(groups, { lr: 0.2, momentum: 0.9, nesterov: true, weightDecay: 0.01 });
    const expected = [
      { w: [...parityFill(5, { seed: 1 })], v: new Array<number>(5).fill(0), lr: 0.2, decay: 0.01 },
      { w: [...parityFill(7, { seed: 2 })], v: new Array<number>(7).fill(0), lr: 0.02, decay: 0 },
    ];
    for (let step = 0; step < 4; step++) {
      const gradients = [parityFill(5, { seed: 10 + step }), parityFill(7, { seed: 20 + step })] as const;
      optimizer.zeroGrad();
      giveGradients([
        [a, gradients[0]],
        [b, gradients[1]],
      ]);
      optimizer.step();
      expected.forEach((group, g) => {
        group.w.forEach((w, i) => {
          const d = (gradients[g] as Float32Array)[i] as number;
          const gradient = d + group.decay * w;
          group.v[i] = step === 0 ? gradient : 0.9 * (group.v[i] as number) + gradient;
          group.w[i] = w - group.lr * (gradient + 0.9 * (group.v[i] as number));
        });
      });
    }
    expect(differs('a', await a.read(), (expected[0] as { w: number[] }).w, bound)).toBe('');
    expect(differs('b', await b.read(), (expected[1] as { w: number[] }).w, bound)).toBe('');
  });

  it('a parameter without a gradient keeps none of the step before', async () => {
    const [a, b] = [parameter(3, 1), parameter(3, 2)];
    const optimizer = new SGD([a, b], { lr: 1 });
    giveGradients([
      [a, Float32Array.of(1, 1, 1)],
      [b, Float32Array.of(1, 1, 1)],
    ]);
    optimizer.step();
    const after = await numbers(b);
    optimizer.zeroGrad();
    giveGradients([[a, Float32Array.of(1, 1, 1)]]);
    optimizer.step();
    expect(await numbers(b)).toEqual(after);
  });
});

describe('gradient clipping', () => {
  it.each([
    [100, 1],
    [0.5, 1],
    [0.5, 0.25],
  ])('to %d, gradients times %d: the norm of all groups together', async (maxNorm, gradScale) => {
    const [a, b] = [parameter(300, 1), parameter(70, 2)];
    const [before, gradients] = [
      [await numbers(a), await numbers(b)],
      [parityFill(300, { seed: 3 }), parityFill(70, { seed: 4 })],
    ] as const;
    const optimizer = new SGD([{ params: [a] }, { params: [b] }], { lr: 1 });
    optimizer.gradScale = gradScale;
    giveGradients([
      [a, gradients[0] as Float32Array],
      [b, gradients[1] as Float32Array],
    ]);
    const norm = await optimizer.clipGradNorm(maxNorm).item();
    optimizer.step();
    const expected = gradScale * Math.sqrt(gradients.reduce((s, g) => s + g.reduce((t, v) => t + v * v, 0), 0));
    expect(Math.abs(norm / expected - 1)).toBeLessThan(1e-5);
    // PyTorch divides by the norm + 1e-6.
    const factor = gradScale * Math.min(1, maxNorm / (expected + 1e-6));
    for (const [k, p] of [a, b].entries()) {
      const moved = (before[k] as number[]).map((w, i) => w - factor * ((gradients[k] as Float32Array)[i] as number));
      expect(differs(`group ${k}`, await p.read(), moved, bound)).toBe('');
    }
  });

  it.each([1, 0.25])('by value, gradient times %s', async (gradScale) => {
    const a = parameter(50, 1);
    const before = await numbers(a);
    const gradient = parityFill(50, { seed: 3 });
    const optimizer = new SGD([a], { lr: 1 });
    optimizer.gradScale = gradScale;
    giveGradients([[a, gradient]]);
    optimizer.clipGradValue(0.1);
    optimizer.step();
    const moved = before.map((w, i) => w - Math.max(-0.1, Math.min(0.1, gradScale * (gradient[i] as number))));
    expect(differs('clipped', await a.read(), moved, bound)).toBe('');
  });

  it('works inside a compiled step', async () => {
    const a = parameter(10, 1);
    const optimizer = new SGD([a], { lr: 1 });
    const start = await numbers(a);
    const step = compile(
      () => {
        optimizer.zeroGrad();
        backward(sum(mul(a, 3)));
        const norm = optimizer.clipGradNorm(1);
        optimizer.step();
        return norm;
      },
      { device },
    );
    expect(await step().item()).toBeCloseTo(3 * Math.sqrt(10), 4);
    expect((await numbers(a))[0]).toBeCloseTo((start[0] as number) - 1 / Math.sqrt(10), 5);
  });
});

describe('accumulation over mini-batches', () => {
  const images = (): Tensor => tensor(parityFill(8 * 3072, { seed: 1 }), { shape: [8, 3, 32, 32], device });
  const labels = (): Tensor => tensor(Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8), { dtype: 'i32', device });
  async function trained(parts: number, make: (model: Module) => Optimizer): Promise<number[]> {
    const model = createModel('cnn3-8', { device, generator: new Generator(3) });
    const optimizer = make(model);
    optimizer.gradScale = 1 / parts;
    const [x, y] = [images(), labels()];
    for (let step = 0; step < 2; step++) {
      optimizer.zeroGrad();
      for (let part = 0; part < parts; part++) {
        const range = { start: (part * 8) / parts, length: 8 / parts, dim: 0 };
        backward(crossEntropy(model.forward(narrow(x, range)), narrow(y, range)));
      }
      optimizer.step();
    }
    const all: number[] = [];
    for (const p of model.parameters()) all.push(...(await numbers(p)));
    return all;
  }

  it.each([
    ['SGD', (model: Module): Optimizer => new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })],
    ['Adam', (model: Module): Optimizer => new Adam(model.parameters(), { lr: 1e-3 })],
  ] as const)('%s: two or four parts train like the whole batch', async (_, make) => {
    const whole = await trained(1, make);
    // Another order of the sums of eight images; Adam divides small gradients by their own size.
    for (const parts of [2, 4])
      expect(differs(`${parts} parts`, await trained(parts, make), whole, { absolute: 2e-5, relative: 1e-5 })).toBe('');
  });
});

describe('schedules', () => {
  it('warms up with the square of the progress, then goes on with the next', () => {
    const schedule = sequentialLr([quadraticWarmupLr(0.4, { warmupLr: 0.2, steps: 4 }), stepLr(0.4, { stepSize: 2 }), constantLr(1)], {
      milestones: [4, 8],
    });
    const expected = [0.2, 0.2125, 0.25, 0.3125, 0.4, 0.4, 0.04, 0.04, 1, 1];
    for (const [step, rate] of expected.entries()) expect(schedule(step)).toBeCloseTo(rate, 10);
  });

  it('a warm-up of no steps is over at once', () => {
    expect(quadraticWarmupLr(0.4, { warmupLr: 0.2, steps: 0 })(0)).toBe(0.4);
    expect(linearLr(0.4, { startFactor: 0.1, totalSteps: 0 })(0)).toBe(0.4);
  });
});

describe('what an optimiser refuses', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['no parameters', () => new SGD([], { lr: 1 }), /got no parameters; give model\.parameters\(\)/],
    ['an empty group', () => new SGD([{ params: [] }], { lr: 1 }), /group 0 has no parameters/],
    ['a rate that is none', () => new SGD([parameter(2, 1)], { lr: Number.NaN }), /lr is NaN/],
    ['a negative decay', () => new Adam([parameter(2, 1)], { weightDecay: -1 }), /weightDecay is -1/],
    ['a negative multiplier', () => new SGD([{ params: [parameter(2, 1)], lrMultiplier: -1 }], { lr: 1 }), /group 0: lrMultiplier is -1/],
    ['a momentum below 0', () => new SGD([parameter(2, 1)], { lr: 1, momentum: -0.1 }), /momentum is -0\.1/],
    ['nesterov without momentum', () => new SGD([parameter(2, 1)], { lr: 1, nesterov: true }), /nesterov needs a momentum/],
    ['a beta of 1', () => new Adam([parameter(2, 1)], { betas: [0.9, 1] }), /Adam: beta2 is 1; give a number from 0 below 1/],
    [
      'a parameter in two groups',
      () => {
        const p = parameter(2, 1);
        return new SGD([{ params: [p] }, { params: [p] }], { lr: 1 });
      },
      /\[2\] is listed twice, in group 1/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
