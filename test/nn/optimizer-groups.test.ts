import { compile, type Device, openDevice, scope } from '@initlab/core';
import {
  Adagrad,
  Adam,
  AdamW,
  LAMB,
  LARS,
  Lion,
  loadOptimizer,
  Muon,
  NAdam,
  type Optimizer,
  type OptimizerParams,
  Parameter,
  RAdam,
  RMSprop,
  SGD,
  saveOptimizer,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';
import { untyped } from '../support/untyped.js';
import { valuesOf } from '../support/values-of.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** An optimiser, what its second group says for itself, and what the optimiser says. */
const kinds: readonly [new (params: never, options: never) => Optimizer, own: object, options: object][] = [
  [SGD, { momentum: 0.8, dampening: 0.3 }, { lr: 0.1 }],
  [SGD, { momentum: 0, nesterov: false, maximize: true }, { lr: 0.1, momentum: 0.9, nesterov: true }],
  [Adam, { betas: [0.7, 0.9], eps: 1e-3, amsgrad: true }, { lr: 0.05 }],
  [AdamW, { betas: [0.7, 0.9], maximize: true }, { lr: 0.05, amsgrad: true }],
  [RMSprop, { alpha: 0.8, momentum: 0.7, centered: true }, { lr: 0.02 }],
  [Adagrad, { lrDecay: 0.3, initialAccumulatorValue: 0.5 }, { lr: 0.05 }],
  [NAdam, { betas: [0.8, 0.95], momentumDecay: 0.05, decoupledWeightDecay: true }, { lr: 0.05 }],
  [RAdam, { betas: [0.7, 0.9], eps: 1e-4 }, { lr: 0.05 }],
  [Lion, { betas: [0.5, 0.7] }, { lr: 0.01 }],
  [LARS, { momentum: 0.5, trustCoefficient: 0.1, excludeVectors: true }, { lr: 0.05 }],
  [LAMB, { betas: [0.7, 0.9], eps: 1e-3 }, { lr: 0.05 }],
  [Muon, { momentum: 0.5, nesterov: false, iterations: 3 }, { lr: 0.05 }],
  [Muon, { useMuon: false, adamBetas: [0.7, 0.8], adamEps: 1e-3, lr: 0.02 }, { lr: 0.05 }],
];
const rates = { weightDecay: 0.1 };

const parameter = (seed: number): Parameter => new Parameter([3, 4], { device }).set(parityFill(12, { seed })) as Parameter;
function setGradients(all: readonly Parameter[], step: number): void {
  for (const [i, p] of all.entries()) p.grad = p.gradSlot?.set(parityFill(12, { seed: 10 * step + i + 11 }));
}

describe.each(['eager', 'compiled'])('what a group says for itself is as if it had an optimiser of its own: %s', (way) => {
  it.each(kinds.map((kind) => [`${kind[0].name} ${JSON.stringify(kind[1])}`, kind] as const))('%s', async (_, [Made, own, options]) => {
    const make = (params: OptimizerParams, more: object = {}): Optimizer =>
      new Made(params as never, { ...options, ...rates, ...more } as never);
    const [a, b, late, aloneA, aloneB, aloneLate] = [1, 2, 3, 1, 2, 3].map(parameter) as [
      Parameter,
      Parameter,
      Parameter,
      Parameter,
      Parameter,
      Parameter,
    ];
    const optimizer = make([{ params: [a] }, { params: [b], ...own }]);
    const { useMuon, ...all } = { useMuon: undefined, ...own };
    const alone = (p: Parameter): Optimizer => (useMuon === false ? make([{ params: [p], ...own }]) : make([p], all));
    const others = [make([aloneA]), alone(aloneB)];
    const update = (): void => optimizer.step();
    const step = way === 'compiled' ? compile(update, { device }) : () => scope(update);
    const both = (k: number, together: Parameter[], apart: Parameter[]): void => {
      setGradients(together, k);
      setGradients(apart, k);
      step();
      for (const other of others) scope(() => other.step());
    };
    for (let k = 0; k < 3; k++) both(k, [a, b], [aloneA, aloneB]);
    optimizer.addParameterGroup({ params: [late], ...own });
    others.push(alone(aloneLate));
    for (let k = 3; k < 6; k++) both(k, [a, b, late], [aloneA, aloneB, aloneLate]);
    expect(await valuesOf([a, b, late])).toEqual(await valuesOf([aloneA, aloneB, aloneLate]));

    // A file of it goes on in an optimiser whose groups say the same.
    const file = await saveOptimizer(optimizer);
    const copies = [1, 2, 3].map(parameter);
    for (const [i, p] of copies.entries()) p.set((await valuesOf([a, b, late]))[i] as number[]);
    const resumed = make(copies.map((p, i) => ({ params: [p], ...(i > 0 ? own : {}) })));
    loadOptimizer(resumed, file);
    setGradients([a, b, late], 6);
    setGradients(copies, 6);
    step();
    scope(() => resumed.step());
    expect(await valuesOf(copies)).toEqual(await valuesOf([a, b, late]));
  });
});

describe('options of a group', () => {
  it('are refused in its name', () => {
    const p = parameter(1);
    const refused = (Made: (typeof kinds)[number][0], own: object): (() => Optimizer) => {
      return () => new Made(untyped([{ params: [p], ...own }]), untyped({ lr: 0.1 }));
    };
    expect(refused(SGD, { momentum: -1 })).toThrow(/^optimizer group 0: momentum is -1; give a number from 0/);
    expect(refused(Adam, { betas: 0.9 })).toThrow(/^optimizer group 0: betas are two numbers, \[0\.9, 0\.999\], got 0\.9/);
    expect(refused(Adam, { momentum: 0.9 })).toThrow(
      /^optimizer group 0: there is no option momentum; its options are params, lrMultiplier, lr, betas/,
    );
    expect(refused(RMSprop, { centered: 1 })).toThrow(/^optimizer group 0: centered is 1; give true or false/);
    expect(p.gradSlot).toBeUndefined();
    const optimizer = new Adam([p]);
    expect(() => optimizer.addParameterGroup({ params: [parameter(2)], betas: [1, 1] })).toThrow(/^optimizer group 1: beta1 is 1/);
    expect(optimizer.groupCount).toBe(1);
  });

  it('that are undefined are the optimiser’s', async () => {
    const [p, q] = [parameter(1), parameter(1)];
    const optimizer = new SGD([{ params: [p] }, { params: [q], ...untyped<object>({ momentum: undefined }) }], { lr: 0.1, momentum: 0.9 });
    for (let k = 0; k < 2; k++) {
      for (const x of [p, q]) x.grad = x.gradSlot?.set(parityFill(12, { seed: k }));
      scope(() => optimizer.step());
    }
    expect(await valuesOf([q])).toEqual(await valuesOf([p]));
  });
});
