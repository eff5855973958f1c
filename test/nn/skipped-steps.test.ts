import { backward, compile, type Device, mul, openDevice, scope, sum, type Tensor, tensor } from '@initlab/core';
import {
  Adagrad,
  Adam,
  AdamW,
  LAMB,
  LossScaler,
  loadOptimizer,
  Muon,
  NAdam,
  type Optimizer,
  Parameter,
  type ParameterGroup,
  RAdam,
  RMSprop,
  SGD,
  saveOptimizer,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';
import { valuesOf } from '../support/values-of.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

// What a loss scaler skips did not happen, as under PyTorch's GradScaler, which does not call the optimiser then: the bits are those of
// the same optimiser that is called for the other steps only.

const kinds: readonly [string, (groups: readonly ParameterGroup[]) => Optimizer][] = [
  ['SGD, dampened', (groups) => new SGD(groups, { lr: 0.1, momentum: 0.9, dampening: 0.4 })],
  ['Adam', (groups) => new Adam(groups, { lr: 0.1, amsgrad: true })],
  ['AdamW', (groups) => new AdamW(groups, { lr: 0.1, betas: [0.5, 0.7] })],
  ['NAdam', (groups) => new NAdam(groups, { lr: 0.1, momentumDecay: 0.1 })],
  ['RAdam', (groups) => new RAdam(groups, { lr: 0.1, betas: [0.8, 0.9] })],
  ['Adagrad, slower and slower', (groups) => new Adagrad(groups, { lr: 0.1, lrDecay: 0.5 })],
  ['RMSprop', (groups) => new RMSprop(groups, { lr: 0.1, momentum: 0.9, centered: true })],
  ['LAMB', (groups) => new LAMB(groups, { lr: 0.1 })],
  ['Muon and AdamW', (groups) => new Muon(groups.map((group, i) => ({ ...group, useMuon: i > 0 })))],
];
const skips = [0, 1, 4, 8, 9];
/** Parameters without a gradient at some steps, also at skipped ones: 1 and 2 miss as many, not the same. */
const missing: readonly (readonly number[])[] = [[], [1, 5], [2, 5], [0, 1, 2, 3]];
const last = 12;

const parameters = (): Parameter[] =>
  missing.map((_, k) => new Parameter([2, 3], { device }).set(parityFill(6, { seed: k + 1 })) as Parameter);
const groupsOf = (all: readonly Parameter[]): ParameterGroup[] => [
  { params: all.slice(0, 3) },
  { params: all.slice(3), lrMultiplier: 0.5 },
];
const factors = (step: number): Tensor => {
  const x = parityFill(6, { seed: 20 + step, scale: 0.5, shift: 0.1 });
  if (skips.includes(step)) x[3] = Number.POSITIVE_INFINITY;
  return tensor(x, { shape: [2, 3], device });
};

function setGradients(all: readonly Parameter[], step: number, lossOf: (loss: Tensor) => Tensor): void {
  for (const p of all) p.zeroGrad();
  using x = factors(step);
  scope(() => {
    for (const [k, p] of all.entries()) if (!missing[k]?.includes(step)) backward(lossOf(sum(mul(p, mul(x, k + 1)))));
  });
}

describe.each(['eager', 'compiled'])('%s', (way) => {
  it.each(kinds)('%s counts no step that a loss scaler skipped, nor after it was saved and loaded', async (_, make) => {
    const [all, alone] = [parameters(), parameters()];
    const other = make(groupsOf(alone));
    let optimizer = make(groupsOf(all));
    const scaler = new LossScaler({ device, scale: 256 });
    const stepper = (of: Optimizer): (() => void) => {
      const update = (): void => scaler.step(of);
      return way === 'compiled' ? compile(update, { device }) : () => scope(update);
    };
    let step = stepper(optimizer);
    for (let k = 0; k < last; k++) {
      if (k === 6) {
        const file = await saveOptimizer(optimizer);
        optimizer.dispose();
        optimizer = make(groupsOf(all));
        loadOptimizer(optimizer, file);
        step = stepper(optimizer);
      }
      setGradients(all, k, (loss) => scaler.scale(loss));
      step();
      if (skips.includes(k)) continue;
      setGradients(alone, k, (loss) => loss);
      scope(() => other.step());
    }
    expect(await valuesOf(all)).toEqual(await valuesOf(alone));
    expect(optimizer.steps).toBe(last);
  });

  it('steps without the scaler, before and after its own, go on counting', async () => {
    const [all, alone] = [parameters(), parameters()];
    const [optimizer, other] = [new Adam(groupsOf(all), { lr: 0.1 }), new Adam(groupsOf(alone), { lr: 0.1 })];
    const scaler = new LossScaler({ device, scale: 256 });
    const ways = [() => optimizer.step(), () => scaler.step(optimizer)].map((body) =>
      way === 'compiled' ? compile(body, { device }) : () => scope(body),
    );
    for (let k = 2; k < last; k++) {
      const scaled = k >= 4 && k < 10;
      setGradients(all, k, (loss) => (scaled ? scaler.scale(loss) : loss));
      ways[scaled ? 1 : 0]?.();
      if (skips.includes(k)) continue;
      setGradients(alone, k, (loss) => loss);
      scope(() => other.step());
    }
    expect(await valuesOf(all)).toEqual(await valuesOf(alone));
  });

  it('more skipped steps than numbers are known for count as made beyond those', async () => {
    const [p, q] = parameters() as [Parameter, Parameter];
    const [optimizer, other] = [new Adam([p], { lr: 0.1 }), new Adam([q.set(await p.read()) as Parameter], { lr: 0.1 })];
    const scaler = new LossScaler({ device, scale: 1 });
    const body = (): void => scaler.step(optimizer);
    const step = way === 'compiled' ? compile(body, { device }) : () => scope(body);
    const state = await other.state();
    for (let k = 0; k < 200; k++) {
      setGradients([p], 0, (loss) => scaler.scale(loss));
      step();
    }
    setGradients([p], 2, (loss) => scaler.scale(loss));
    step();
    // 200 were skipped, of which 127 are known.
    other.loadState({ ...state, steps: 73 });
    setGradients([q], 2, (loss) => loss);
    scope(() => other.step());
    expect(await valuesOf([p])).toEqual(await valuesOf([q]));
  });
});
