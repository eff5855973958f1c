import { backward, compile, type Device, mul, openDevice, scope, sum, tensor } from '@initlab/core';
import { LAMB, LARS, LossScaler, type Optimizer, type OptimizerParams, Parameter } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { names, optimizerSteps, type Reference, referenceSteps, type UpdateNumbers } from '../support/optimizer-steps.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** More than a block of 64 elements, and a vector in either group. */
const shapes = { a: [9, 8], b: [7], c: [3, 2, 1, 1] };
const lengthOf = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
type Update = (p: Reference, g: Float64Array, numbers: UpdateNumbers) => void;

const larsUpdate =
  (momentum: number, trust: number, excludes: boolean): Update =>
  ({ w, state, shape }, g, { lr, decay }) => {
    state.v ??= new Float64Array(w.length);
    const { v } = state;
    const [wl, gl] = [lengthOf(w), lengthOf(g)];
    const local = (excludes && shape.length < 2) || wl === 0 || gl === 0 ? 1 : (trust * wl) / (gl + decay * wl);
    w.forEach((value, i) => {
      v[i] = momentum * (v[i] as number) + lr * local * ((g[i] as number) + decay * value);
      w[i] = value - (v[i] as number);
    });
  };

const lambUpdate =
  (beta1: number, beta2: number, eps: number): Update =>
  ({ w, state }, g, { lr, decay, updates }) => {
    state.m ??= new Float64Array(w.length);
    state.v ??= new Float64Array(w.length);
    const { m, v } = state;
    const r = w.map((value, i) => {
      m[i] = beta1 * (m[i] as number) + (1 - beta1) * (g[i] as number);
      v[i] = beta2 * (v[i] as number) + (1 - beta2) * (g[i] as number) ** 2;
      const [mean, squares] = [(m[i] as number) / (1 - beta1 ** updates), (v[i] as number) / (1 - beta2 ** updates)];
      return mean / (Math.sqrt(squares) + eps) + decay * value;
    });
    const [wl, rl] = [lengthOf(w), lengthOf(r)];
    const ratio = wl === 0 || rl === 0 ? 1 : wl / rl;
    w.forEach((value, i) => {
      w[i] = value - lr * ratio * (r[i] as number);
    });
  };

const bound = { absolute: 1e-6, relative: 1e-5 };

describe.each(['eager', 'compiled'])('after the papers in float64, two groups, a step without a gradient, another rate: %s', (way) => {
  const lars = { lr: 3, momentum: 0.8, weightDecay: 0.02, trustCoefficient: 0.01 };
  const lamb = { lr: 0.02, betas: [0.8, 0.95], eps: 1e-5, weightDecay: 0.02 } as const;
  it.each<[string, (groups: OptimizerParams) => Optimizer, Update, number]>([
    ['LARS', (groups) => new LARS(groups, lars), larsUpdate(0.8, 0.01, false), 3],
    [
      'LARS, vectors as they are',
      (groups) => new LARS(groups, { ...lars, lr: 0.1, excludeVectors: true }),
      larsUpdate(0.8, 0.01, true),
      0.1,
    ],
    ['LAMB', (groups) => new LAMB(groups, lamb), lambUpdate(0.8, 0.95, 1e-5), 0.02],
  ])('%s', async (_, make, update, lr) => {
    const expected = referenceSteps(update, { lr, decay: 0.02, shapes });
    const got = await optimizerSteps(make, { lr, shapes, way, device });
    for (const [i, values] of expected.entries())
      for (const name of names) expect(differs(`${name} at ${i}`, got[i]?.[name] as Float32Array, values[name], bound)).toBe('');
  });
});

const parameter = (values: Float32Array): Parameter => new Parameter([values.length], { device }).set(values) as Parameter;

describe('lengths', () => {
  it.each([1e-25, 1e25])('of gradients times %s, whose squares are no f32', async (scale) => {
    const g = parityFill(70, { seed: 2, scale });
    const p = parameter(parityFill(70, { seed: 1 }));
    const before = Float64Array.from((await p.read()) as Float32Array);
    const optimizer = new LARS([p], { lr: 1, momentum: 0, trustCoefficient: 0.1, eps: 0 });
    p.grad = p.gradSlot?.set(g);
    scope(() => optimizer.step());
    const ratio = (0.1 * lengthOf(before)) / lengthOf(Float64Array.from(g));
    const expected = before.map((w, i) => w - ratio * (g[i] as number));
    expect(differs('moved', await p.read(), expected, bound)).toBe('');
  });

  it('of 0 make the ratio 1: a parameter that begins at 0 moves, one without slope stays', async () => {
    const [zero, still] = [parameter(new Float32Array(3)), parameter(Float32Array.of(1, 2))];
    const optimizer = new LARS([zero, still], { lr: 0.5, momentum: 0 });
    zero.grad = zero.gradSlot?.set([1, 2, 3]);
    still.grad = still.gradSlot?.set([0, 0]);
    scope(() => optimizer.step());
    expect([...(await zero.read())]).toEqual([-0.5, -1, -1.5]);
    expect([...(await still.read())]).toEqual([1, 2]);
  });

  it('of parameters without elements are none; their neighbours step as usual', async () => {
    const moved = async (sizes: readonly number[]): Promise<ArrayLike<number>> => {
      const params = sizes.map((n) => parameter(parityFill(n, { seed: 1 })));
      const optimizer = new LAMB(params, { lr: 0.1 });
      for (const p of params) p.grad = p.gradSlot?.set(parityFill(p.size, { seed: 5 }));
      scope(() => optimizer.step());
      return (params[sizes.indexOf(70)] as Parameter).read();
    };
    expect(await moved([0, 70, 0])).toEqual(await moved([70]));
    expect(() => scope(() => new LARS([parameter(new Float32Array(0))], { lr: 1 }).step())).not.toThrow();
  });

  it('vectors larger than one binding are updated in pieces with the same bits', async () => {
    const small = await openDevice({ target: { maxStorageBinding: 1024 } });
    const moved = async (on: Device): Promise<number[]> => {
      const params = [300, 500].map((n, i) => new Parameter([n], { device: on }).set(parityFill(n, { seed: i + 1 })));
      const optimizer = new LAMB(params, { lr: 0.1 });
      for (const [i, p] of params.entries()) p.grad = p.gradSlot?.set(parityFill(p.size, { seed: i + 5 }));
      scope(() => optimizer.step());
      const values: number[] = [];
      for (const p of params) values.push(...((await p.read()) as Float32Array));
      return values;
    };
    expect(await moved(small)).toEqual(await moved(device));
    small.close();
  });

  it('under a loss scaler, in a compiled step: unscaled, and a step that is not finite changes nothing', async () => {
    const make = (): { p: Parameter; optimizer: Optimizer } => {
      const p = parameter(parityFill(70, { seed: 1 }));
      return { p, optimizer: new LAMB([p], { lr: 0.1, weightDecay: 0.1 }) };
    };
    const [plain, scaled] = [make(), make()];
    const scaler = new LossScaler({ device, scale: 1024 });
    const step = compile(
      (x) => {
        scaled.optimizer.zeroGrad();
        backward(scaler.scale(sum(mul(scaled.p, x))));
        scaler.step(scaled.optimizer);
      },
      { device },
    );
    const x = tensor(parityFill(70, { seed: 2 }), { device });
    step(x);
    plain.p.grad = plain.p.gradSlot?.set(parityFill(70, { seed: 2 }));
    scope(() => plain.optimizer.step());
    expect(differs('scaled', await scaled.p.read(), await plain.p.read(), bound)).toBe('');
    const [before, state] = [await scaled.p.read(), await scaled.optimizer.state()];
    step(tensor(new Float32Array(70).fill(Number.NaN), { device }));
    expect(await scaled.p.read()).toEqual(before);
    expect((await scaled.optimizer.state()).moments).toEqual(state.moments);
  });
});

it('wrong options are refused, and all memory comes back', () => {
  const p = parameter(new Float32Array(3));
  const before = device.memory.liveBytes;
  expect(() => new LARS([p], { lr: 1, trustCoefficient: 0 })).toThrow(/LARS: trustCoefficient is 0; give a number above 0/);
  expect(() => new LAMB([p], { eps: 0 })).toThrow(/LAMB: eps is 0; give a number above 0/);
  new LAMB([p]).dispose();
  expect(device.memory.liveBytes - before).toBeLessThanOrEqual(256);
});
