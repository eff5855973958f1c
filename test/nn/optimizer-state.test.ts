import { backward, type Device, mul, OpError, openDevice, sum, tensor } from '@initlab/core';
import {
  Adagrad,
  Adam,
  AdamW,
  encodeOptimizer,
  LAMB,
  LARS,
  Linear,
  Lion,
  loadOptimizer,
  loadStateDict,
  Muon,
  NAdam,
  type Optimizer,
  type OptimizerState,
  Parameter,
  parseSafetensors,
  RAdam,
  RMSprop,
  SGD,
  saveOptimizer,
  saveStateDict,
  serializeSafetensors,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';
import { valuesOf } from '../support/values-of.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const parameters = (): Parameter[] => [0, 1].map((k) => new Parameter([3], { device }).set(parityFill(3, { seed: k })) as Parameter);
function step(optimizer: Optimizer, all: readonly Parameter[], seed: number): void {
  optimizer.zeroGrad();
  for (const p of all) if (p.requiresGrad) backward(sum(mul(p, tensor(parityFill(3, { seed }), { device }))));
  optimizer.step();
}

describe('an optimiser’s state', () => {
  it.each<[string, (p: Parameter[]) => Optimizer]>([
    ['SGD', (p) => new SGD(p, { lr: 0.1 })],
    [
      'SGD with momentum, two groups',
      ([a, b]) => new SGD([{ params: [a as Parameter] }, { params: [b as Parameter] }], { lr: 0.1, momentum: 0.9 }),
    ],
    ['Adam', (p) => new Adam(p, { lr: 0.1 })],
    ['AdamW with amsgrad', (p) => new AdamW(p, { lr: 0.1, amsgrad: true })],
    ['RMSprop', (p) => new RMSprop(p, { lr: 0.1, momentum: 0.9, centered: true })],
    ['Adagrad', (p) => new Adagrad(p, { lr: 0.1, lrDecay: 0.1, initialAccumulatorValue: 0.5 })],
    ['NAdam', (p) => new NAdam(p, { lr: 0.1 })],
    ['RAdam', (p) => new RAdam(p, { lr: 0.1 })],
    ['Lion', (p) => new Lion(p, { lr: 0.1 })],
    ['LARS', (p) => new LARS(p, { lr: 0.1 })],
    ['LAMB', (p) => new LAMB(p, { lr: 0.1 })],
  ])('goes through a file and trains on with the same bits, also where a parameter was frozen: %s', async (_, make) => {
    const all = parameters();
    const optimizer = make(all);
    all[0]?.requiresGrad_(false);
    step(optimizer, all, 5);
    all[0]?.requiresGrad_(true);
    step(optimizer, all, 6);
    optimizer.lr = 0.05;
    const file = await saveOptimizer(optimizer);
    const copies = parameters();
    for (const [i, p] of copies.entries()) p.set((await all[i]?.read()) as Float32Array);
    const other = make(copies);
    loadOptimizer(other, file);
    expect(other.steps).toBe(2);
    for (const [o, list] of [
      [optimizer, all],
      [other, copies],
    ] as const) {
      step(o, list, 7);
      step(o, list, 8);
    }
    expect(await valuesOf(copies)).toEqual(await valuesOf(all));
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'steps that are no number',
      { 'initlab.steps': 'many' },
      /loadOptimizer: the file's initlab\.steps is "many"; it was changed or damaged/,
    ],
    ['steps that are empty', { 'initlab.steps': '' }, /initlab\.steps is ""/],
    ['half a step', { 'initlab.steps': '1.5' }, /initlab\.steps is "1\.5"/],
    ['steps below 0', { 'initlab.steps': '-1' }, /initlab\.steps is "-1"/],
    ['a rate that is no number', { 'initlab.lr': 'NaN' }, /initlab\.lr is "NaN"/],
    ['a rate without end', { 'initlab.lr': 'Infinity' }, /initlab\.lr is "Infinity"/],
    ['missed steps that are no JSON', { 'initlab.missedSteps': '[[1' }, /initlab\.missedSteps is "\[\[1"/],
    ['missed steps that are no lists', { 'initlab.missedSteps': '[1]' }, /initlab\.missedSteps is "\[1\]"/],
    ['more missed steps than steps', { 'initlab.missedSteps': '[[2]]' }, /initlab\.missedSteps is "\[\[2\]\]"/],
    ['groups that are none', { 'initlab.groups': '[{"names":["b"]}]' }, /initlab\.groups is "\[\{/],
  ])('is refused with %s', async (_, changed, message) => {
    const optimizer = new SGD(parameters(), { lr: 0.1 });
    const { tensors, metadata } = encodeOptimizer({ ...(await optimizer.state()), steps: 1 });
    const file = serializeSafetensors(tensors, { ...metadata, ...changed });
    expect(() => loadOptimizer(optimizer, file)).toThrow(OpError);
    expect(() => loadOptimizer(optimizer, file)).toThrow(message);
    const { 'initlab.lr': lr, ...rest } = metadata;
    expect(lr).toBe('0.1');
    expect(() => loadOptimizer(optimizer, serializeSafetensors(tensors, rest))).toThrow(/initlab\.lr is not there/);
  });

  it('loadState refuses what no optimiser of these parameters leaves, and takes over none of it', async () => {
    const all = parameters();
    const optimizer = new SGD(all, { lr: 0.1, momentum: 0.9 });
    step(optimizer, all, 5);
    const good = await optimizer.state();
    const [moment] = good.moments[0] as [ArrayLike<number>];
    const bad: readonly (readonly [Partial<Record<keyof OptimizerState, unknown>>, RegExp])[] = [
      [{ steps: -1 }, /steps is -1; give a whole number from 0/],
      [{ steps: 0.5 }, /steps is 0\.5/],
      [{ steps: Number.NaN }, /steps is NaN/],
      [{ steps: undefined }, /takes what an optimiser’s state\(\) gave/],
      [{ lr: Number.NaN }, /lr is NaN/],
      [{ lr: -0.1 }, /lr is -0\.1/],
      [{ lr: Number.POSITIVE_INFINITY }, /lr is Infinity/],
      [{ moments: undefined }, /takes what an optimiser’s state\(\) gave/],
      [{ moments: [] }, /0 groups/],
      [{ moments: [[]] }, /belongs to other parameters or another optimiser/],
      [{ moments: [[moment, moment]] }, /belongs to other parameters or another optimiser/],
      [{ moments: [[new Float32Array(moment.length + 1)]] }, /belongs to other parameters or another optimiser/],
      [{ moments: [[moment], [moment]] }, /2 groups/],
      [{ moments: [moment] }, /give a list of arrays of numbers/],
      [{ moments: [[Array.from(moment, String)]] }, /something else than numbers/],
      [{ groups: [] }, /group 0 has undefined/],
      [{ groups: [{ names: ['m'], sizes: [3, 3] }] }, /another optimiser: group 0 has m of parameters of 3,3 elements, here b of/],
      [
        { groups: [{ names: ['b'], sizes: [3, 64] }] },
        /belongs to other parameters .* has b of parameters of 3,64 elements, here b of parameters of 3,3 elements/,
      ],
      [{ missed: [[0]] }, /missed steps are listed for other parameters; the groups here have 2/],
      [{ missed: [] }, /missed steps/],
      [{ missed: [[0, -1]] }, /missed is -1/],
      [{ missed: [[0, 2]] }, /missed is 2; give a whole number from 0 to 1/],
    ];
    for (const [change, message] of bad) {
      const call = (): void => optimizer.loadState({ ...good, steps: 1, ...change } as OptimizerState);
      expect(call).toThrow(OpError);
      expect(call).toThrow(message);
    }
    expect(await optimizer.state()).toEqual(good);
    optimizer.loadState({ ...good, missed: [[0, 1]] });
  });

  it('says what is wrong with what JSON made of it, and with another optimiser’s', async () => {
    const optimizer = new Adam(parameters(), { lr: 0.1 });
    const state = await optimizer.state();
    expect(state).not.toHaveProperty('missed');
    expect(() => optimizer.loadState(JSON.parse(JSON.stringify(state)) as OptimizerState)).toThrow(
      /loadState: the moments are no arrays of numbers, which JSON makes of them; use saveOptimizer and loadOptimizer/,
    );
    const lists = { ...state, moments: state.moments.map((group) => group.map((moment) => Array.from(moment))) };
    optimizer.loadState(JSON.parse(JSON.stringify(lists)) as OptimizerState);
    expect(() => optimizer.loadState({ ...state, moments: [[new Float32Array(3)]] })).toThrow(
      /belongs to other parameters or another optimiser: 1 groups, moments of group 0 \[3\]; here 1 and \[128, 128\]/,
    );
    expect(() => optimizer.loadState(undefined as unknown as OptimizerState)).toThrow(/takes what an optimiser’s state\(\) gave/);
    const model = new Linear(1, 1, { device });
    const weights = await saveStateDict(model);
    expect(() => loadOptimizer(optimizer, weights)).toThrow(/loadOptimizer: the file holds no optimiser; loadStateDict/);
    const file = await saveOptimizer(optimizer);
    expect([...parseSafetensors(file).tensors.keys()]).toEqual(['optimizer.0.0', 'optimizer.0.1']);
    expect(() => loadStateDict(model, file)).toThrow(/unknown to the model: optimizer\.0\.0/);
  });
});

describe('a file of one optimiser', () => {
  const makers: Readonly<Record<string, (p: readonly Parameter[]) => Optimizer>> = {
    SGD: (p) => new SGD(p, { lr: 0.1 }),
    'SGD with momentum': (p) => new SGD(p, { lr: 0.1, momentum: 0.9 }),
    RMSprop: (p) => new RMSprop(p),
    'RMSprop with momentum': (p) => new RMSprop(p, { momentum: 0.9 }),
    'RMSprop, centred': (p) => new RMSprop(p, { centered: true }),
    Adagrad: (p) => new Adagrad(p),
    Lion: (p) => new Lion(p),
    LARS: (p) => new LARS(p, { lr: 0.1 }),
    Muon: (p) => new Muon(p),
    'Adam with amsgrad': (p) => new Adam(p, { amsgrad: true }),
    Adam: (p) => new Adam(p),
  };
  /** They keep the same two means, so that one may follow another. */
  const alike: Readonly<Record<string, (p: readonly Parameter[]) => Optimizer>> = {
    AdamW: (p) => new AdamW(p),
    NAdam: (p) => new NAdam(p),
    RAdam: (p) => new RAdam(p),
    LAMB: (p) => new LAMB(p),
  };
  const matrices = (rows = 2): Parameter[] => [new Parameter([rows, 2], { device }), new Parameter([3, rows], { device })];

  it.each(Object.entries(makers))('is no other’s: %s', async (name, make) => {
    const file = await saveOptimizer(make(matrices()));
    for (const [other, makeOther] of Object.entries({ ...makers, ...alike })) {
      const load = (): void => loadOptimizer(makeOther(matrices()), file);
      if (other === name || (name === 'Adam' && other in alike)) load();
      else expect(load, other).toThrow(/loadState: the saved state belongs to .* another optimiser: group 0 has/);
    }
    expect(() => loadOptimizer(make(matrices(3)), file)).toThrow(
      /belongs to other parameters .* of parameters of 4,6 elements, here .* of 6,9 elements/,
    );
  });

  it('that does not say what its moments are, of an earlier version, is known by their sizes', async () => {
    const { groups, ...state } = await new Adam(matrices()).state();
    expect(groups).toEqual([{ names: ['m', 'v'], sizes: [4, 6] }]);
    const { tensors, metadata } = encodeOptimizer(state);
    loadOptimizer(new Adam(matrices()), serializeSafetensors(tensors, metadata));
    expect(() => loadOptimizer(new SGD(matrices(), { lr: 1 }), serializeSafetensors(tensors, metadata))).toThrow(/or another optimiser/);
  });
});

describe('a parameter has one optimiser', () => {
  it('and is free again when that is disposed; a disposed optimiser says so', async () => {
    const all = parameters();
    const first = new SGD(all, { lr: 1 });
    expect(() => new Adam(all)).toThrow(/parameter 0 \[3\] already belongs to another optimiser; dispose\(\) that one first/);
    first.dispose();
    first.dispose();
    expect(() => first.step()).toThrow(/optimizer: was disposed; make a new one/);
    expect(() => first.zeroGrad()).toThrow(/was disposed/);
    await expect(first.state()).rejects.toThrow(/was disposed/);
    new Adam(all).dispose();
  });
});
