import { readFileSync } from 'node:fs';
import { add, compile, grad, type MemoryFormat, mul, scope, sum, type Tensor, tensor } from '@initlab/core';
import * as nn from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { parityFill } from '../support/parity-fill.js';

type Numbers = readonly (number | string)[];
interface ModuleCase {
  readonly layer: string;
  readonly sizes: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly shape: readonly number[];
  readonly training: boolean;
  readonly forwards: number;
  readonly special: Readonly<Record<string, string>>;
  readonly yShape: readonly number[];
  readonly keys: Readonly<Record<string, readonly number[]>>;
  readonly names: readonly string[];
  readonly state: Readonly<Record<string, Numbers>>;
  readonly y: Numbers;
  readonly first: readonly Numbers[];
  readonly second: readonly Numbers[];
}

const file = JSON.parse(readFileSync(new URL('../parity/modules.json', import.meta.url), 'utf8')) as { cases: ModuleCase[] };
const parse = (values: Numbers): number[] =>
  values.map((v) =>
    v === 'nan' ? Number.NaN : v === 'inf' ? Number.POSITIVE_INFINITY : v === '-inf' ? Number.NEGATIVE_INFINITY : Number(v),
  );
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const filled = (shape: readonly number[], seed: number, scale = 1, shift = 0): Float32Array =>
  parityFill(sizeOf(shape), { seed, scale, shift });
const seeded = (like: Tensor, seed: number): Tensor => tensor(filled(like.shape, seed), { shape: like.shape });

/** The layer of a case, which has its sizes and options as this library takes them. */
function made({ layer, sizes, options, names, training }: ModuleCase): nn.Module {
  const kinds = nn as unknown as Record<string, new (...args: readonly unknown[]) => nn.Module>;
  const Kind = kinds[layer] as new (...args: readonly unknown[]) => nn.Module;
  const module = new Kind(...sizes, options).train(training);
  const state = module.stateDict();
  for (const [k, name] of names.entries()) state.get(name)?.set(filled(state.get(name)?.shape ?? [], 10 + k, 0.5, 0.1));
  const vectors = [...state].filter(([name]) => /\._[uv]$/.test(name));
  for (const [k, [, vector]] of vectors.entries()) vector.set(filled(vector.shape, 40 + k));
  return module;
}

function inputOf({ shape, special }: ModuleCase, format: MemoryFormat): Tensor {
  const values = filled(shape, 1);
  for (const [at, value] of Object.entries(special)) values[Number(at)] = parse([value])[0] as number;
  return tensor(values, { shape, format, requiresGrad: true });
}

/** Result, gradients of the input and the parameters, and second derivatives. */
function derivatives(module: nn.Module, { names }: ModuleCase, x: Tensor): Tensor[] {
  const state = module.stateDict();
  const asked = [x, ...names.map((name) => state.get(name) as Tensor)];
  const y = module.forward(x);
  const first = grad(sum(mul(y, seeded(y, 2))), asked, { createGraph: true });
  const directions = first.map((g, k) => seeded(g, k === 0 ? 3 : 59 + k));
  // What a gradient does not depend on has a second derivative of zeros.
  const nothing = asked.map((each) => sum(mul(sum(mul(each, 0)), 0)));
  const total = [...first.map((g, k) => sum(mul(g, directions[k] as Tensor))), ...nothing].reduce(add);
  return [y, ...first, ...grad(total, asked)];
}

async function check(c: ModuleCase, mode: { readonly format?: MemoryFormat; readonly compiled?: 'exact' | 'fused' }): Promise<void> {
  const { format = 'rowMajor', compiled } = mode;
  const module = made(c);
  for (let i = 0; i < c.forwards - 1; i++) scope(() => module.forward(tensor(filled(c.shape, 100 + i), { shape: c.shape })).shape);
  const x = inputOf(c, format);
  const body = (): Tensor[] => derivatives(module, c, x);
  const step = compiled ? compile(body, { exact: compiled === 'exact' }) : body;
  const got = await scope(async () => Promise.all(step().map(async (t) => ({ shape: t.shape, data: await t.read() }))));
  expect(got[0]?.shape).toEqual(c.yShape);
  const finite = Object.keys(c.special).length === 0;
  for (const [i, expected] of [c.y, ...c.first, ...(finite ? c.second : [])].entries())
    expect(differs(`value ${i} of ${JSON.stringify(mode)}`, got[i]?.data ?? [], parse(expected))).toBe('');
  const state = await nn.readStateDict(module);
  expect([...state].map(([name, { shape }]) => [name, shape])).toEqual(Object.entries(c.keys));
  for (const [name, expected] of Object.entries(c.state))
    expect(differs(name, Array.from(state.get(name)?.data ?? [], Number), parse(expected))).toBe('');
  if ('dispose' in step) step.dispose();
  module.dispose();
  x.dispose();
}

describe('PyTorch’s values, state dict, first and second derivatives', () => {
  defaultDeviceOfTests();
  const met = new Set<string>();
  it.each(
    file.cases.map(
      (c) => [`${c.layer} ${c.sizes.join()} ${JSON.stringify(c.options)} ${c.training ? '' : 'evaluated '}[${c.shape}]`, c] as const,
    ),
  )('%s', async (_, c) => {
    await check(c, {});
    if (c.shape.length === 4) await check(c, { format: 'channelsLast' });
    // Fused kernels are of a shape, and take long to compile: one case of each layer.
    await check(c, { compiled: met.has(c.layer) ? 'exact' : 'fused' });
    met.add(c.layer);
  });
});
