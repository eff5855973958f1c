import { readFileSync } from 'node:fs';
import { compile, type Device, openDevice, scope } from '@initlab/core';
import {
  Adagrad,
  Adam,
  AdamW,
  decodeOptimizer,
  encodeOptimizer,
  Lion,
  LossScaler,
  NAdam,
  type Optimizer,
  type OptimizerParams,
  Parameter,
  type ParameterGroup,
  parseSafetensors,
  RAdam,
  RMSprop,
  SGD,
  serializeSafetensors,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { names, optimizerSteps, referenceSteps, type Values } from '../support/optimizer-steps.js';
import { parityFill } from '../support/parity-fill.js';
import { untyped } from '../support/untyped.js';
import { valuesOf } from '../support/values-of.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

interface Case {
  readonly optimizer: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Those of the second group. */
  readonly second: Readonly<Record<string, unknown>>;
  readonly after: Values[];
}
const { cases } = JSON.parse(readFileSync(new URL('../parity/optimizers.json', import.meta.url), 'utf8')) as { cases: Case[] };
const classes: Readonly<Record<string, new (params: OptimizerParams, options: never) => Optimizer>> = {
  SGD,
  Adam,
  AdamW,
  RMSprop,
  Adagrad,
  NAdam,
  RAdam,
};
const camelled = (options: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [camel(name), value]));
const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
/** Eight updates in f32 against float64. */
const bound = { absolute: 1e-6, relative: 1e-5 };

function expectClose(got: Values[], expected: Values[]): void {
  for (const [i, values] of expected.entries())
    for (const name of names) expect(differs(`${name} at ${i}`, (got[i] as Values)[name], values[name], bound)).toBe('');
}

describe.each(['eager', 'compiled'])('as PyTorch in float64, two groups, a step without a gradient, another rate: %s', (way) => {
  it.each(cases.map((c) => [`${c.optimizer} ${JSON.stringify(c.options)} ${JSON.stringify(c.second)}`, c] as const))('%s', async (_, c) => {
    const options = camelled(c.options);
    const lr = Number(options.lr);
    const Made = classes[c.optimizer] as (typeof classes)[string];
    const make = (groups: readonly ParameterGroup[]): Optimizer =>
      new Made(
        groups.map((group, i) => (i === 1 ? { ...group, ...camelled(c.second) } : group)),
        options as never,
      );
    expectClose(await optimizerSteps(make, { lr, way, device }), c.after);
  });

  it('Lion, after its paper', async () => {
    const [lr, decay, beta1, beta2] = [0.01, 0.3, 0.9, 0.95];
    const expected = referenceSteps(
      ({ w, state }, g, { lr, decay }) => {
        state.m ??= new Float64Array(w.length);
        const { m } = state;
        w.forEach((value, i) => {
          const [mean, slope] = [m[i] as number, g[i] as number];
          w[i] = value - lr * (Math.sign(beta1 * mean + (1 - beta1) * slope) + decay * value);
          m[i] = beta2 * mean + (1 - beta2) * slope;
        });
      },
      { lr, decay },
    );
    const make = (groups: OptimizerParams): Optimizer => new Lion(groups, { lr, betas: [beta1, beta2], weightDecay: decay });
    expectClose(await optimizerSteps(make, { lr, way, device }), expected);
  });
});

const parameter = (seed: number): Parameter => new Parameter([5], { device }).set(parityFill(5, { seed })) as Parameter;
function setGradients(all: readonly Parameter[], seed: number): void {
  for (const [i, p] of all.entries()) p.grad = p.gradSlot?.set(parityFill(5, { seed: seed + i }));
}

it('a gradient whose square is beyond f32 leaves a parameter where it is, as PyTorch in float32: no optimiser makes a NaN of it', async () => {
  for (const [Made, options] of [
    [RMSprop, { centered: true }],
    [RMSprop, { centered: true, momentum: 0.9 }],
    [RMSprop, {}],
    [Adam, {}],
    [Adam, { amsgrad: true }],
    [Adagrad, {}],
    [NAdam, {}],
  ] as const)
    for (const huge of [1e21, 1e22, -1e30, 3e38]) {
      const p = parameter(1);
      const before = await valuesOf([p]);
      const optimizer = new Made([p], { lr: 0.1, ...options });
      for (const gradient of [huge, 1, 1]) {
        p.grad = p.gradSlot?.set([gradient, 0, 0, 0, 0]);
        scope(() => optimizer.step());
      }
      expect(await valuesOf([p]), `${Made.name} ${huge}`).toEqual(before);
    }
});

describe('a loss scaler', () => {
  it('skips a step whose gradients are not finite: RMSprop with all its moments stays as it was', async () => {
    const all = [parameter(1)];
    const optimizer = new RMSprop(all, { lr: 0.1, momentum: 0.9, centered: true });
    const scaler = new LossScaler({ device, scale: 8 });
    setGradients(all, 10);
    scope(() => scaler.step(optimizer));
    const [before, state] = [await valuesOf(all), await optimizer.state()];
    all[0]?.gradSlot?.set([1, Number.POSITIVE_INFINITY, 1, 1, 1]);
    scope(() => scaler.step(optimizer));
    expect(await valuesOf(all)).toEqual(before);
    expect(await optimizer.state()).toEqual({ ...state, steps: 2 });
  });
});

describe('addParameterGroup', () => {
  it.each(['eager', 'compiled'])('trains its parameters as an optimiser that begins then: %s', async (way) => {
    const [old, late, alone] = [parameter(1), parameter(2), parameter(2)];
    const make = (params: OptimizerParams): Optimizer => new AdamW(params, { lr: 0.1, weightDecay: 0.1 });
    const [optimizer, other] = [make([old]), make([{ params: [alone], lr: 0.05, weightDecay: 0 }])];
    const update = (): void => optimizer.step();
    const step = way === 'compiled' ? compile(update, { device }) : () => scope(update);
    for (let k = 0; k < 2; k++) {
      setGradients([old], 20 + k);
      step();
    }
    optimizer.lr = 0.01;
    optimizer.addParameterGroup({ params: [late], lr: 0.05, weightDecay: 0 });
    other.lr = 0.01;
    expect([optimizer.groupCount, optimizer.groupRates, other.groupRates]).toEqual([2, [0.01, 0.005], [0.005]]);
    for (let k = 0; k < 2; k++) {
      setGradients([old], 22 + k);
      setGradients([late], 30 + k);
      setGradients([alone], 30 + k);
      step();
      scope(() => other.step());
    }
    expect(await valuesOf([late])).toEqual(await valuesOf([alone]));
    // A file of it goes into an optimiser that was made with both.
    const { tensors, metadata } = encodeOptimizer(await optimizer.state());
    const file = parseSafetensors(serializeSafetensors(tensors, metadata));
    const copies = [old, late].map((_, i) => parameter(i + 1));
    for (const [i, p] of copies.entries()) p.set((await valuesOf([old, late]))[i] as number[]);
    const both = make([{ params: copies.slice(0, 1) }, { params: copies.slice(1), lr: 0.05, weightDecay: 0 }]);
    both.loadState(decodeOptimizer(file, { groups: 2 }));
    setGradients([old, late], 40);
    setGradients(copies, 40);
    step();
    scope(() => both.step());
    expect(await valuesOf(copies)).toEqual(await valuesOf([old, late]));
  });

  it('refuses what is no group, parameters it has, and a compiled function', () => {
    const [p, q] = [parameter(1), parameter(2)];
    const optimizer = new SGD([p], { lr: 0 });
    const refused: readonly (readonly [() => void, RegExp])[] = [
      [() => optimizer.addParameterGroup(untyped([q])), /takes a group \{ params, lr, weightDecay \}, got names with tensors/],
      [() => optimizer.addParameterGroup({ params: [] }), /group 1 has no parameters/],
      [() => optimizer.addParameterGroup({ params: [q, p] }), /\[5\] is listed twice, in group 1/],
      [() => optimizer.addParameterGroup({ params: [q], lr: 0.1, lrMultiplier: 1 }), /group 1 has an lr and an lrMultiplier/],
      [() => optimizer.addParameterGroup({ params: [q], lr: 0.1 }), /in proportion to the optimiser’s, and that is 0; give lrMultiplier/],
      [compile(() => optimizer.addParameterGroup({ params: [q] }), { device }), /make the optimiser before it/],
    ];
    for (const [call, message] of refused) expect(call).toThrow(message);
    expect([optimizer.groupCount, q.gradSlot]).toEqual([1, undefined]);
  });
});

it.each<[string, () => unknown, RegExp]>([
  ['RMSprop', () => new RMSprop([parameter(1)], { alpha: 1.1 }), /RMSprop: alpha is 1\.1; give a number from 0 to 1/],
  ['RMSprop', () => new RMSprop([parameter(1)], untyped({ centered: 1 })), /RMSprop: centered is 1; give true or false/],
  ['Adagrad', () => new Adagrad([parameter(1)], { initialAccumulatorValue: -1 }), /Adagrad: initialAccumulatorValue is -1/],
  ['NAdam', () => new NAdam([parameter(1)], { betas: [0.9, 1] }), /NAdam: beta2 is 1/],
  ['RAdam', () => new RAdam([parameter(1)], untyped({ momentumDecay: 1 })), /RAdam: there is no option momentumDecay/],
  ['Lion', () => new Lion([parameter(1)], untyped({ betas: 0.9 })), /Lion: betas are two numbers/],
])('%s refuses a wrong option', (_, make, message) => {
  expect(make).toThrow(message);
});
