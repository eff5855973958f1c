import { readFileSync } from 'node:fs';
import { compile, type Device, scope, type Tensor } from '@initlab/core';
import { describe, expect, it } from 'vitest';
import { bothKinds, devicesOfBothKinds } from '../support/both-kinds.js';
import { type Bound, differs } from '../support/close.js';
import { Call, numbersOf, type OnnxCase, type OnnxFile, typeOf, type Values } from './onnx/call.js';
import { notTaken, otherwiseInPyTorch } from './onnx/not-taken.js';
import { optimizerOutputs, optimizers } from './onnx/optimizers.js';
import { exact, operators } from './onnx/tables.js';

const { cases } = JSON.parse(readFileSync(new URL('../parity/onnx.json', import.meta.url), 'utf8')) as OnnxFile;
const left = new Set([...Object.values(notTaken).flat(), ...Object.keys(otherwiseInPyTorch)]);
const taken = cases.filter(({ name }) => !left.has(name));
const casesOf = (op: string): OnnxCase[] => taken.filter((c) => c.op === op);
const opsOf = (table: object): string[] => Object.keys(table).sort();
/** The case that says most: with the most operands and attributes. */
const richest = (all: readonly OnnxCase[]): OnnxCase => all.reduce((best, c) => (weight(c) > weight(best) ? c : best));
const weight = ({ inputs, attrs }: OnnxCase): number => inputs.length + Object.keys(attrs).length;

const deviceOf = devicesOfBothKinds();
type Way = 'eager' | 'compiled';

/**
 * Whole numbers, and what only moves, come out exactly; halves are rounded to 11 bits. The reference is float32 in places, and a driver's
 * functions are its own: lavapipe agrees within a fifth of this.
 */
const usual: Bound = { absolute: 1e-6, relative: 1e-5 };
function boundOf(op: string, { dtype }: Values): Bound {
  if (exact.has(op) || /int|bool/.test(dtype)) return { absolute: 0, relative: 0 };
  return dtype === 'float16' ? { absolute: 0, relative: 2 ** -11 } : usual;
}

async function outputsOf(call: Call, way: Way): Promise<{ shape: readonly number[]; dtype: string; data: ArrayLike<number> }[]> {
  const run = operators[call.of.op];
  if (!run) throw new Error(`no mapping of ${call.of.op}`);
  const body = (): Tensor[] => [run(call)].flat() as Tensor[];
  const step = way === 'compiled' ? compile(body, { device: call.device }) : body;
  const made = await Promise.all(step().map(async (y) => ({ shape: y.shape, dtype: y.dtype, data: await y.read() })));
  if ('dispose' in step) step.dispose();
  return made;
}

const halves = ({ inputs, outputs }: OnnxCase): boolean => [...inputs, ...outputs].some((values) => values?.dtype === 'float16');

/** What is wrong with a case; nothing where it is of halves and the adapter has none. */
async function failures(c: OnnxCase, way: Way, device: Device): Promise<string[]> {
  if (halves(c) && !device.caps.f16) return [];
  return scope(async () => {
    const made = await outputsOf(new Call(c, device), way);
    if (made.length !== c.outputs.length) return [`${c.name}: ${made.length} outputs instead of ${c.outputs.length}`];
    return c.outputs.flatMap((wanted, i) => {
      const { shape, dtype, data } = made[i] as (typeof made)[number];
      const label = `${c.name}, output ${i}`;
      if (String(shape) !== String(wanted.shape)) return [`${label}: [${shape}] instead of [${wanted.shape}]`];
      if (dtype !== typeOf(wanted)) return [`${label}: ${dtype} instead of ${wanted.dtype}`];
      return differs(label, data, numbersOf(wanted), boundOf(c.op, wanted)) || [];
    });
  });
}

describe('ONNX’s cases', () => {
  it('are run, or named with the reason', () => {
    const names = cases.map(({ name }) => name);
    expect([...left].filter((name) => !names.includes(name))).toEqual([]);
    expect(taken.length + left.size).toBe(names.length);
    expect([...new Set(taken.map(({ op }) => op))].sort()).toEqual(opsOf({ ...operators, ...optimizers }));
  });

  it.each(opsOf(operators))('%s', async (op) => {
    const wrong: string[] = [];
    for (const c of casesOf(op)) wrong.push(...(await failures(c, 'eager', deviceOf('cpu'))));
    expect(wrong).toEqual([]);
  });

  it.each(bothKinds)('of each operator one, compiled for a %s', async (kind) => {
    const wrong: string[] = [];
    for (const op of opsOf(operators)) wrong.push(...(await failures(richest(casesOf(op)), 'compiled', deviceOf(kind))));
    expect(wrong).toEqual([]);
  });

  it.each(opsOf(optimizers))('%s, eager and compiled', async (op) => {
    for (const way of ['eager', 'compiled'] as const)
      for (const c of casesOf(op)) {
        const made = await optimizerOutputs(new Call(c, deviceOf('cpu')), optimizers[op] as (typeof optimizers)[string], way);
        expect(made.map((data, i) => differs(`${c.name}, output ${i}`, data, numbersOf(c.outputs[i] as Values), usual)).join('')).toBe('');
      }
  });

  it.each(Object.entries(otherwiseInPyTorch))('%s: PyTorch’s values instead', async (name, { values }) => {
    const c = cases.find((found) => found.name === name) as OnnxCase;
    await scope(async () => {
      const [made] = await outputsOf(new Call(c, deviceOf('cpu')), 'eager');
      const data = made?.data as ArrayLike<number>;
      expect(differs(name, data, values, usual)).toBe('');
      expect(differs(name, data, numbersOf(c.outputs[0] as Values), usual)).not.toBe('');
    });
  });
});
