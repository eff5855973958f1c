import { add, backward, compile, type Device, mul, OpError, openDevice, setDefaultDevice, sum, type Tensor, tensor } from '@initlab/core';
import { LossScaler, type LossScalerOptions, Parameter, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
});
afterAll(() => device.close());
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())];

const largest = 2 ** 126;

/** Runs `steps` of one parameter whose unscaled gradient is `gradient`. */
async function trained(options: LossScalerOptions, more: { gradient: number; steps: number; compiled: boolean; gradScale?: number }) {
  const w = new Parameter([1]).set([1]);
  const optimizer = new SGD([w], { lr: 1 });
  optimizer.gradScale = more.gradScale ?? 1;
  const scaler = new LossScaler(options);
  const body = (): void => {
    optimizer.zeroGrad();
    backward(scaler.scale(sum(mul(w, more.gradient))));
    scaler.step(optimizer);
  };
  const step = more.compiled ? compile(body, { device }) : body;
  for (let i = 0; i < more.steps; i++) step();
  return { moved: 1 - ((await w.read())[0] as number), state: await numbers(scaler.state), scaler };
}

describe.each([false, true])('the scale (compiled: %s)', (compiled) => {
  it('stops growing where its inverse would no longer be a normal number, and steps go on', async () => {
    const { moved, state } = await trained({ scale: 2 ** 120, growthInterval: 1 }, { gradient: 2 ** -12, steps: 12, compiled });
    expect(state).toEqual([largest, 1 / largest, 0, 0]);
    expect(moved).toBe(12 * 2 ** -12);
  });

  it('unscales under a small factor of the gradients, too', async () => {
    const { moved } = await trained({ scale: largest, growthInterval: 1 }, { gradient: 2 ** -6, steps: 4, compiled, gradScale: 1 / 64 });
    expect(moved).toBe(4 * 2 ** -12);
  });

  it('that is too large for the gradients comes down until they are finite', async () => {
    const { moved, state } = await trained({ scale: largest, growthInterval: 1000 }, { gradient: 64, steps: 8, compiled });
    // 64 · 2¹²² is infinite in f32, 64 · 2¹²¹ is not: five steps are skipped.
    expect(state).toEqual([2 ** 121, 2 ** -121, 0, 3]);
    expect(moved).toBe(3 * 64);
  });

  it('moves by the factors that it was given', async () => {
    const factors = { growthFactor: 4, backoffFactor: 0.125, growthInterval: 2 };
    expect((await trained({ scale: 8, ...factors }, { gradient: 1, steps: 5, compiled })).state).toEqual([128, 1 / 128, 0, 1]);
    const bad = await trained({ scale: 64, ...factors }, { gradient: Number.POSITIVE_INFINITY, steps: 3, compiled });
    expect(bad.state.slice(0, 1)).toEqual([1]);
    expect(bad.moved).toBe(0);
    const never = await trained({ scale: 8, growthInterval: 1e9 }, { gradient: 1, steps: 5, compiled });
    expect(never.state).toEqual([8, 1 / 8, 0, 5]);
  });

  it('of a state saved before there was a bound comes back from infinity', async () => {
    const w = new Parameter([1]).set([1]);
    const optimizer = new SGD([w], { lr: 1 });
    const scaler = new LossScaler();
    scaler.state.set([Number.POSITIVE_INFINITY, 0, 1, 0]);
    const body = (): void => {
      optimizer.zeroGrad();
      backward(scaler.scale(sum(w)));
      scaler.step(optimizer);
    };
    const step = compiled ? compile(body, { device }) : body;
    for (let i = 0; i < 3; i++) step();
    expect(await numbers(scaler.state)).toEqual([2 ** 125, 2 ** -125, 0, 2]);
    expect(await numbers(w)).toEqual([-1]);
  });
});

it('clipping sees the unscaled norm, also where squares of the scaled gradients are beyond f32', async () => {
  const w = new Parameter([2]).set([0, 0]);
  const optimizer = new SGD([w], { lr: 1 });
  const scaler = new LossScaler({ scale: 2 ** 100 });
  backward(scaler.scale(sum(mul(w, tensor([30, 40])))));
  scaler.step(optimizer, { clipNorm: 5 });
  const [a = 0, b = 0] = await numbers(w);
  expect(a).toBeCloseTo(-3, 4);
  expect(b).toBeCloseTo(-4, 4);
});

it('scales losses of any shape', async () => {
  const scaler = new LossScaler({ scale: 4 });
  const losses = [tensor(3), tensor([3]), tensor([[1, 2]])];
  expect(await Promise.all(losses.map((loss) => numbers(scaler.scale(loss))))).toEqual([[12], [12], [4, 8]]);
  expect(losses.map((loss) => scaler.scale(loss).shape)).toEqual([[], [1], [1, 2]]);
});

describe('what is put in', () => {
  it.each<[LossScalerOptions, RegExp]>([
    [{ scale: 0 }, /LossScaler: scale is 0; give a number from 1 to 8\.5/],
    [{ scale: Number.NaN }, /scale is NaN/],
    [{ scale: 2 ** 127 }, /scale is 1\.7/],
    [{ growthInterval: 0 }, /growthInterval is 0; give a whole number from 1/],
    [{ growthInterval: 2.5 }, /growthInterval is 2\.5/],
    [{ growthFactor: 1 }, /growthFactor is 1; give a number above 1/],
    [{ growthFactor: Number.NaN }, /growthFactor is NaN/],
    [{ backoffFactor: 1 }, /backoffFactor is 1; give a number above 0 below 1/],
    [{ backoffFactor: -1 }, /backoffFactor is -1/],
  ])('%o is refused', (options, message) => {
    expect(() => new LossScaler(options)).toThrow(OpError);
    expect(() => new LossScaler(options)).toThrow(message);
  });

  it('a saved state goes on where it was; one that no scaler leaves is refused', async () => {
    const { scaler } = await trained({ scale: 8, growthInterval: 3 }, { gradient: 1, steps: 2, compiled: false });
    const other = new LossScaler({ growthInterval: 3 });
    other.loadState(await scaler.state.read());
    expect(await numbers(other.state)).toEqual([8, 1 / 8, 0, 2]);
    for (const bad of [
      [Number.POSITIVE_INFINITY, 0, 0, 0],
      [Number.NaN, 1, 0, 0],
      [0, 1, 0, 0],
      [8, 1 / 8, 0.5, 0],
      [8, 1 / 8, 0, -1],
      [8, 1 / 8, 0],
      undefined,
    ])
      expect(() => other.loadState(untyped(bad))).toThrow(/LossScaler\.loadState: takes the four numbers/);
    expect(await numbers(other.state)).toEqual([8, 1 / 8, 0, 2]);
  });

  it('an option of step that there is not, a norm that is none', () => {
    const [scaler, optimizer] = [new LossScaler(), new SGD([new Parameter([1])], { lr: 1 })];
    expect(() => scaler.step(optimizer, untyped({ clip_norm: 1 }))).toThrow(/no option clip_norm; did you mean clipNorm/);
    expect(() => scaler.step(optimizer, { clipNorm: Number.NaN })).toThrow(/clipNorm is NaN; give a number above 0 or Infinity/);
  });
});

describe.each([false, true])('the norm of all gradients (compiled: %s)', (compiled) => {
  const given = async (run: (parts: { optimizer: SGD; groups: Parameter[]; scaler: LossScaler }) => Tensor, count: number) => {
    const groups = Array.from({ length: count }, () => new Parameter([1]));
    const optimizer = new SGD(
      groups.map((p) => ({ params: [p] })),
      { lr: 1 },
    );
    const scaler = new LossScaler({ scale: 4 });
    const body = (): Tensor => {
      optimizer.zeroGrad();
      return run({ optimizer, groups, scaler });
    };
    const out = await numbers((compiled ? compile(body, { device }) : body)());
    return { out, grads: await Promise.all(groups.map(async (p) => (await (p.grad as Tensor).read())[0])), groups };
  };
  const lossOf = (groups: readonly Parameter[]): Tensor => groups.map((p) => sum(mul(p, 2))).reduce((a, b) => add(a, b));

  it.each([1, 8, 9, 20])('of %d groups, clipped and measured', async (count) => {
    const clipped = await given(({ optimizer, groups }) => {
      backward(lossOf(groups));
      return optimizer.clipGradNorm(1);
    }, count);
    expect(clipped.out[0]).toBeCloseTo(2 * Math.sqrt(count), 5);
    for (const g of clipped.grads) expect(g).toBeCloseTo(1 / Math.sqrt(count), 5);
    const measured = await given(({ optimizer, groups }) => {
      backward(lossOf(groups));
      return optimizer.clipGradNorm(Number.POSITIVE_INFINITY);
    }, count);
    expect(measured.out[0]).toBeCloseTo(2 * Math.sqrt(count), 5);
    expect(measured.grads).toEqual(Array(count).fill(2));
  });

  it('that is NaN spoils that step alone: what lies between parameters stays 0', async () => {
    for (const scaled of [true, false]) {
      const all = [new Parameter([3]).set([1, 1, 1]), new Parameter([5]).set([1, 1, 1, 1, 1])] as Parameter[];
      const optimizer = new SGD(all, { lr: 1 });
      const scaler = new LossScaler({ scale: 4 });
      const body = (x: Tensor): Tensor => {
        optimizer.zeroGrad();
        const loss = all.map((p) => sum(mul(p, x))).reduce((a, b) => add(a, b));
        backward(scaled ? scaler.scale(loss) : loss);
        if (!scaled) return optimizer.clipGradNorm(1);
        scaler.step(optimizer, { clipNorm: 1 });
        return mul(scaler.state, 1);
      };
      const step = compiled ? compile(body, { device }) : body;
      expect(await numbers(step(tensor([Number.NaN])))).toEqual(scaled ? [2, 1 / 4, 1, 0] : [Number.NaN]);
      expect(await numbers(step(tensor([2])))).toEqual(scaled ? [2, 1 / 2, 0, 1] : [Math.fround(2 * Math.sqrt(8))]);
    }
  });

  it('of more than eight groups under a loss scaler', async () => {
    const { out, groups } = await given(({ optimizer, groups, scaler }) => {
      backward(scaler.scale(lossOf(groups)));
      scaler.step(optimizer, { clipNorm: 3 });
      return mul(scaler.state, 1);
    }, 9);
    expect(out).toEqual([4, 1 / 4, 0, 1]);
    for (const p of groups) expect((await numbers(p))[0]).toBeCloseTo(-1, 5);
  });
});

it.each([0, -1, Number.NaN, untyped<number>('1'), untyped<number>(undefined)])('clipGradNorm(%s) is refused', (maxNorm) => {
  const optimizer = new SGD([new Parameter([1])], { lr: 1 });
  expect(() => optimizer.clipGradNorm(maxNorm)).toThrow(/clipGradNorm: maxNorm is .*; give a number above 0 or Infinity/);
  expect(() => optimizer.clipGradValue(maxNorm)).toThrow(/clipGradValue: clipValue is .*; give a number above 0/);
});

describe('one loss, one step', () => {
  /** Two parameters of one loss, each with an optimiser of its own; the gradients are 1 and `gradient`. */
  function pair(gradient = 2) {
    const [v, w] = [new Parameter([1]).set([1]), new Parameter([1]).set([1])];
    const optimizers = [new SGD([v], { lr: 1 }), new SGD([w], { lr: 1 })] as const;
    const scaler = new LossScaler({ scale: 4, growthInterval: 1 });
    const loss = (): void => {
      for (const optimizer of optimizers) optimizer.zeroGrad();
      backward(scaler.scale(sum(add(v, mul(w, gradient)))));
    };
    return { v, w, optimizers, scaler, loss };
  }

  it.each([false, true])('several optimisers of a loss take it together (compiled: %s)', async (compiled) => {
    const { v, w, optimizers, scaler, loss } = pair();
    const body = (): void => {
      loss();
      scaler.step(optimizers);
    };
    const step = compiled ? compile(body, { device }) : body;
    for (let i = 0; i < 3; i++) step();
    expect([await v.item(), await w.item()]).toEqual([-2, -5]);
    expect(await numbers(scaler.state)).toEqual([32, 1 / 16, 0, 0]);
  });

  it('they are skipped together', async () => {
    const { v, w, optimizers, scaler, loss } = pair(Number.NaN);
    loss();
    scaler.step(optimizers);
    expect([await v.item(), await w.item()]).toEqual([1, 1]);
  });

  it.each([false, true])('a second step is refused, since the scale has moved (compiled: %s)', (compiled) => {
    const { optimizers, scaler, loss } = pair();
    const body = (): void => {
      loss();
      for (const optimizer of optimizers) scaler.step(optimizer);
    };
    const step = compiled ? compile(body, { device }) : body;
    expect(() => step()).toThrow('LossScaler.step: the step for this loss was taken');
    expect(() => step()).toThrow('give the optimisers that share one together: step([a, b])');
  });

  it('a loss and its step may be compiled apart', async () => {
    const { v, optimizers, scaler, loss } = pair();
    const [forward, update] = [compile(loss, { device }), compile(() => scaler.step(optimizers), { device })];
    for (let i = 0; i < 3; i++) {
      forward();
      update();
    }
    expect(await v.item()).toBe(-2);
    expect(() => update()).toThrow('the step for this loss was taken');
  });

  it('a loss in f16 becomes f32: it may not fit when scaled', async () => {
    const scaled = new LossScaler({ scale: 65536 }).scale(tensor([4], { dtype: 'f16' }));
    expect([scaled.dtype, await scaled.item()]).toEqual(['f32', 262144]);
  });

  it('what is no loss or no optimiser is refused', () => {
    const scaler = new LossScaler();
    expect(() => scaler.scale(untyped(3))).toThrow('LossScaler.scale: the loss is 3, not a tensor');
    for (const wrong of [undefined, {}, [], [pair().optimizers[0], null]])
      expect(() => scaler.step(untyped(wrong))).toThrow('LossScaler.step: takes an optimiser or a list of them');
  });
});
