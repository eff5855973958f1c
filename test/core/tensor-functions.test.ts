import { readFileSync } from 'node:fs';
import * as core from '@initlab/core';
import { compile, grad, scope, sum, type Tensor, tensor } from '@initlab/core';
import { describe, expect, it } from 'vitest';
import { type FunctionCase, nameOf } from '../../packages/lab/src/selftest/function-cases.js';
import { functionTable } from '../../packages/lab/src/selftest/function-table.js';
import { layerTable } from '../../packages/lab/src/selftest/layer-table.js';
import { runFunctionCase } from '../../packages/lab/src/selftest/run-functions.js';
import { devicesOfBothKinds } from '../support/both-kinds.js';
import { differs } from '../support/close.js';

const cases = ['tensors', 'layers'].flatMap(
  (name) => (JSON.parse(readFileSync(new URL(`../parity/${name}.json`, import.meta.url), 'utf8')) as { cases: FunctionCase[] }).cases,
);

const deviceOf = devicesOfBothKinds();

describe.each(['eager', 'compiled'] as const)('against PyTorch in float64, %s', (mode) => {
  it.each(Object.keys({ ...functionTable, ...layerTable }))('%s', async (op) => {
    const own = cases.filter((c) => c.op === op);
    expect(own.length).toBeGreaterThan(0);
    // Compiled kernels are made for their sizes: three cases of a function tell what differs from eager runs; `selftest` runs all.
    for (const c of mode === 'eager' ? own : own.slice(0, 3))
      expect((await runFunctionCase(c, { mode, device: deviceOf('cpu') })).failures, nameOf(c)).toEqual([]);
  });
});

describe.each([
  ['eager', false],
  ['compiled', true],
] as const)('std where squares are no f32 or no half, %s', (_, compiled) => {
  it.each([1e20, 1e37, 1e-20, 1e-30])('values of %d, beside zeros', async (scale) => {
    const device = deviceOf('cpu');
    const row = [1, 2, 4, -3].map((v) => v * scale);
    const x = tensor([...row, 0, 0, 0, 0], { shape: [2, 4], device, requiresGrad: true });
    const body = (): Tensor[] => {
      const y = core.std(x, { dim: 1 });
      return [y, ...grad(sum(y), [x])];
    };
    const [y, dx] = await scope(async () => Promise.all((compiled ? compile(body, { device }) : body)().map((t) => t.read())));
    const deviation = Math.sqrt(26 / 3);
    // Some roundings of f32.
    const bound = { absolute: 0, relative: 1e-6 };
    expect(differs('std', y as Float32Array, [deviation * scale, 0], bound)).toBe('');
    expect(
      differs(
        'gradient',
        dx as Float32Array,
        [0, 1, 3, -4, 0, 0, 0, 0].map((v) => v / (3 * deviation)),
        bound,
      ),
    ).toBe('');
  });

  it.each([300, 3e-5])('halves of %d', async (scale) => {
    const device = deviceOf('cpu');
    if (!device.caps.f16) return;
    const body = (x: Tensor): Tensor => core.cast(core.std(core.cast(x, 'f16')), 'f32');
    const x = tensor([scale, -scale, scale, -scale], { device });
    const y = await scope(async () => (compiled ? compile(body, { device }) : body)(x).item());
    // Twice 2⁻¹¹, of the values and of the result; 3e-5 is a subnormal half, of 2⁻²⁵.
    expect(Math.abs(y / (scale * Math.sqrt(4 / 3)) - 1)).toBeLessThan(scale > 1 ? 1e-3 : 4e-3);
  });
});

it('klDiv of what is below 0, and so no probability, is NaN', async () => {
  const device = deviceOf('cpu');
  const options = { reduction: 'none' } as const;
  const values = await core.klDiv(tensor([-1, -1, -1], { device }), tensor([0.5, -0.5, 0], { device }), options).read();
  expect([...values].map(Number.isNaN)).toEqual([false, true, false]);
});

describe('sort', () => {
  // Spans beyond a workgroup's memory, and many lines in one; NaN, both zeros, equals.
  it.each([
    [2, 300],
    [2, 700],
    [70, 5],
    [300, 1],
  ])('%d lines of %d values, with what is equal and no number', async (lines, count) => {
    const device = deviceOf('cpu');
    const values = Float32Array.from({ length: lines * count }, (_, i) => ((i * 7919) % 101) - 50);
    values.set([Number.NaN, -0, Number.POSITIVE_INFINITY, 0, Number.NEGATIVE_INFINITY], 40);
    const x = tensor(values, { shape: [lines, count], device });
    for (const descending of [false, true]) {
      const { values: sorted, indices } = core.sort(x, { descending });
      const [got, at] = [await sorted.read(), await indices.read()];
      const rank = (v: number): number => (Number.isNaN(v) ? Number.POSITIVE_INFINITY : v === Number.POSITIVE_INFINITY ? 1e38 : v);
      const wanted = Array.from({ length: lines }, (_, line) => line).flatMap((line) => {
        const row = Array.from({ length: count }, (_, i) => i);
        const of = (i: number): number => rank(values[line * count + i] as number);
        return row.sort((i, j) => (of(i) === of(j) ? i - j : of(i) < of(j) !== descending ? -1 : 1));
      });
      expect([...at]).toEqual(wanted);
      expect([...got]).toEqual(wanted.map((i, k) => values[Math.floor(k / count) * count + i]));
    }
  });
});

it('sums by an index are the same in any order of work, and by either way', async () => {
  const device = deviceOf('cpu');
  const count = 300;
  const index = tensor(
    Int32Array.from({ length: count }, (_, i) => (i * i) % 97),
    { dtype: 'i32', device },
  );
  const source = tensor(
    Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 1e3),
    { device },
  );
  const few = await core.scatterAdd(core.zeros([100], { device }), index, { source }).read();
  // More slices: the index is sorted first, and the others stay 0.
  const many = await core.scatterAdd(core.zeros([200], { device }), index, { source }).read();
  expect([...many].slice(0, 100)).toEqual([...few]);
  expect([...few].some((v) => v !== 0)).toBe(true);
});

it('long running sums on a GPU go by chunks', async () => {
  const device = deviceOf('gpu');
  const x = core.ones([2, 600], { device });
  expect([...(await core.cumsum(x, { dim: 1 }).read())]).toEqual(Array.from({ length: 1200 }, (_, i) => (i % 600) + 1));
});

it('a slice of all and a padding of nothing are copies', async () => {
  const device = deviceOf('cpu');
  for (const shape of [[], [2], [0, 3]]) {
    const x = core.ones(shape, { device });
    const copies = [
      core.slice(x, []),
      core.slice(
        x,
        shape.map(() => null),
      ),
      core.pad(x, { pad: shape.flatMap(() => [0, 0]), mode: 'reflect' }),
    ];
    for (const y of copies) {
      core.noGrad(() => core.copyInto(core.zeros(shape, { device }), y));
      expect(y.shape).toEqual(shape);
      y.dispose();
    }
    expect([...(await x.read())]).toEqual(Array.from({ length: x.size }, () => 1));
  }
});
