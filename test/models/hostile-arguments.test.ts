import * as core from '@initlab/core';
import * as data from '@initlab/data';
import * as models from '@initlab/models';
import * as nn from '@initlab/nn';
import { expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';

defaultDeviceOfTests();

/** What is not called here, and why. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  'opens a device or looks for one, which takes long; refused in no-adapter.test.ts': ['openDevice', 'listAdapters'],
  'sets what the others here stand on': ['setDefaultDevice'],
};
const left = new Set(Object.values(exceptions).flat());

const isClass = (f: object): boolean => /^class\b/.test(Function.prototype.toString.call(f));

async function call(f: (...args: unknown[]) => unknown, args: readonly unknown[]): Promise<unknown> {
  const made = isClass(f) ? Reflect.construct(f, args) : f(...args);
  const result: unknown = await made;
  // A generator function runs when it is walked through.
  if (typeof (result as { next?: unknown } | null)?.next === 'function') (result as Iterator<unknown>).next();
  return result;
}

it.each(Object.entries({ core, data, nn, models }))(
  'every function of %s refuses what it cannot take with an InitlabError',
  async (_, exported) => {
    using frame = new core.Scope();
    const x = core.tensor([
      [1, 2],
      [3, 4],
    ]);
    const model = new nn.Linear(2, 2);
    const values = { undefined: undefined, null: null, number: 1.5, string: 'text', object: {}, list: [{}], function: () => 1, model };
    const raw: string[] = [];
    for (const [name, f] of Object.entries(exported) as [string, unknown][]) {
      if (typeof f !== 'function' || left.has(name)) continue;
      for (const [what, value] of Object.entries(values))
        for (const [how, args] of [
          ['', [value]],
          ['x, ', [x, value]],
          ['model, ', [model, value]],
          [`${what}, `, [value, value]],
        ] as const) {
          // A whole net is made where nothing is wrong.
          if (['MobileNetV2', 'SimpleCnn'].includes(name) && (value === undefined || what === 'object')) continue;
          try {
            await call(f as (...args: unknown[]) => unknown, args);
          } catch (error) {
            if (!(error instanceof core.InitlabError)) raw.push(`${name}(${how}${what}): ${String(error)}`);
          }
        }
    }
    frame[Symbol.dispose]();
    expect(raw).toEqual([]);
  },
);

/** Members of a class and those it extends: what of each is called, and what is set. */
function membersOf(object: object): Map<string, PropertyDescriptor> {
  const found = new Map<string, PropertyDescriptor>();
  for (let at: object = Object.getPrototypeOf(object); at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const [name, one] of Object.entries(Object.getOwnPropertyDescriptors(at))) if (!found.has(name)) found.set(name, one);
  found.delete('constructor');
  return found;
}
/** Members that only the packages themselves call, as their docstrings say. */
const inner = new Set(['becomeGrad', 'groupOf', 'moveTo', 'note', 'noteWord', 'numbers', 'update']);

it('every method of tensors, modules, optimisers and generators does too', async () => {
  using frame = new core.Scope();
  const makers: Record<string, () => object> = {
    tensor: () => core.tensor([1, 2]),
    module: () => new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm2d(2)),
    sgd: () => new nn.SGD(new nn.Linear(2, 2).parameters(), { lr: 0.1 }),
    adam: () => new nn.Adam(new nn.Linear(2, 2).parameters(), { lr: 0.1 }),
    scaler: () => new nn.LossScaler(),
    generator: () => new core.Generator(1),
  };
  const values = { undefined: undefined, null: null, number: 1.5, string: 'text', object: {}, list: [{}], function: () => 1 };
  const raw: string[] = [];
  const attempt = async (label: string, f: () => unknown): Promise<void> => {
    try {
      await call(f, []);
    } catch (error) {
      if (!(error instanceof core.InitlabError)) raw.push(`${label}: ${String(error)}`);
    }
  };
  for (const [kind, make] of Object.entries(makers))
    for (const [name, { value: method, set }] of membersOf(make())) {
      if (inner.has(name)) continue;
      for (const [what, value] of Object.entries(values)) {
        const object = make();
        if (set) await attempt(`${kind}.${name} = ${what}`, () => set.call(object, value));
        if (typeof method !== 'function') continue;
        await attempt(`${kind}.${name}(${what})`, () => method.call(object, value));
        await attempt(`${kind}.${name}(1, ${what})`, () => method.call(object, 1, value));
      }
    }
  frame[Symbol.dispose]();
  expect(raw).toEqual([]);
});

it('lists no exception that is gone', () => {
  const names = new Set([core, data, nn, models].flatMap((exported) => Object.keys(exported)));
  expect([...left].filter((name) => !names.has(name))).toEqual([]);
});
