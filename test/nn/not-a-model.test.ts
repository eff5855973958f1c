import { Generator, zeros } from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  BatchNorm2d,
  findInitializer,
  groupsFor,
  kaimingNormal_,
  Linear,
  loadStateDict,
  type Module,
  normal_,
  normFactory,
  ReLU,
  readStateDict,
  Sequential,
  summary,
  truncNormal_,
  uniform_,
  weightLayers,
  withForwardHook,
  withoutTrace,
} from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { untyped } from '../support/untyped.js';

defaultDeviceOfTests();

describe('what is no model, and what is no number', () => {
  it('functions of models name themselves and the remedy', async () => {
    const calls: Record<string, (model: Module) => unknown> = {
      summary: (model) => summary(model, [1, 3, 8, 8]),
      withoutTrace: (model) => withoutTrace(model, () => 0),
      withForwardHook: (model) =>
        withForwardHook(
          model,
          () => undefined,
          () => 0,
        ),
      loadStateDict: (model) => loadStateDict(model, new Map()),
      weightLayers: (model) => weightLayers(model),
    };
    for (const [name, call] of Object.entries(calls)) {
      expect(() => call(untyped(undefined))).toThrow(`${name}: takes a Module, got undefined; give a model`);
      expect(() => call(untyped(Linear))).toThrow(`${name}: takes a Module, got a class or function; make one: new Linear(…)`);
    }
    await expect(readStateDict(untyped({}))).rejects.toThrow('readStateDict: takes a Module, got Object');
    await expect(findInitializer('kaiming').initialize(untyped([]), untyped({}))).rejects.toThrow('kaiming: takes a Module');
  });

  it('names that are no text are unknown names', () => {
    for (const name of [undefined, null, 3]) {
      expect(() => createModel(untyped(name))).toThrow(`there is no model "${name}"`);
      expect(() => findInitializer(untyped(name))).toThrow(`there is no initialisation "${name}"`);
      expect(() => normFactory(untyped(name))).toThrow(`there is no norm "${name}"`);
    }
  });

  it('a strategy that is not told the depth counts the layers itself', async () => {
    const drawn = async (options: object): Promise<number[]> => {
      const model = new Sequential(new Linear(2, 2), new ReLU(), new Linear(2, 2));
      await findInitializer('ravs').initialize(model, untyped({ generator: new Generator(3), ...options }));
      return (await Promise.all(model.parameters().map(async (p) => [...(await p.read())]))).flat();
    };
    expect(await drawn({})).toEqual(await drawn({ depth: 2 }));
    await expect(drawn({ depth: Number.NaN })).rejects.toThrow('ravs: depth is NaN; give a whole number from 1');
  });

  it('one number where a list was given, and the other way round', () => {
    // A search for a divisor of a list had no end.
    expect(() => groupsFor(untyped([1, 2]))).toThrow('groupsFor: channels is [1, 2]; give a whole number from 1');
    expect(() => new Linear(untyped([2]), 2)).toThrow('Linear: inFeatures is [2]');
    expect(() => new BatchNorm2d(untyped([2]))).toThrow('BatchNorm2d: numFeatures is [2]');
    expect(() => truncNormal_(zeros([2]), untyped({ a: null }))).toThrow('truncNormal_: a is null; give a number');
    expect(() => truncNormal_(zeros([2]), untyped({ std: '3' }))).toThrow('std 3 must be above 0');
  });

  it('a seed where a generator is wanted', () => {
    for (const fill of [uniform_, normal_, truncNormal_, kaimingNormal_])
      expect(() => fill(zeros([2, 2]), untyped({ generator: 42 }))).toThrow('generator is 42; give a Generator, such as new Generator(42)');
    expect(() => new Linear(2, 2, untyped({ generator: 42 }))).toThrow('generator is 42; give a Generator');
    expect(uniform_(zeros([2]), untyped({ generator: { uniform: () => 0.5 } })).shape).toEqual([2]);
    expect(normal_(zeros([2]), untyped({ generator: { normal: () => 0.5 } })).shape).toEqual([2]);
    expect(() => new Linear(2, 2, untyped({ device: 'cuda' }))).toThrow('device is cuda; give what openDevice() resolves to');
  });
});
