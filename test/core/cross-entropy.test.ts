import { readFileSync } from 'node:fs';
import {
  autocast,
  type CrossEntropyOptions,
  cast,
  compile,
  crossEntropy,
  type Device,
  grad,
  mul,
  scope,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { CrossEntropyLoss } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { bothKinds, devicesOfBothKinds } from '../support/both-kinds.js';
import { differs } from '../support/close.js';
import { parityFill, parityLabels } from '../support/parity-fill.js';

/** PyTorch's values in float64; made by test/parity/parity_losses.py, which tells the inputs. */
interface Case {
  readonly shape: readonly number[];
  readonly kind: 'class' | 'probabilities';
  readonly weighted: boolean;
  readonly smoothing: number;
  readonly reduction: 'mean' | 'sum' | 'none';
  readonly ignored: 'none' | 'some' | 'all';
  readonly ignoreIndex: number;
  readonly y: (number | string)[];
  readonly dx: (number | string)[];
  readonly dtarget: (number | string)[] | null;
  readonly second: (number | string)[] | null;
}
const { cases } = JSON.parse(readFileSync(new URL('../parity/losses.json', import.meta.url), 'utf8')) as { cases: Case[] };

const deviceOf = devicesOfBothKinds();

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
/** As the file has them: infinities and NaN are words. */
const numbers = (values: readonly (number | string)[] | null): number[] =>
  (values ?? []).map((v) => (v === 'nan' ? Number.NaN : Number(v)));

interface Given {
  readonly logits: Tensor;
  readonly target: Tensor;
  readonly options: CrossEntropyOptions;
}

function given(c: Case, device: Device): Given {
  const classes = c.shape[c.shape.length === 1 ? 0 : 1] as number;
  const rows = c.shape.length === 1 ? [] : c.shape.filter((_, d) => d !== 1);
  const made = (shape: readonly number[], fill: { seed: number; scale?: number; shift?: number }): Tensor =>
    tensor(parityFill(sizeOf(shape), fill), { shape: [...shape], device });
  const labels = parityLabels(sizeOf(rows), { seed: 6, classes }).map((label, i) =>
    c.ignored === 'all' || (c.ignored === 'some' && i % 3 === 0) ? c.ignoreIndex : label,
  );
  return {
    logits: made(c.shape, { seed: 1, scale: 6 }).requiresGrad_(),
    target:
      c.kind === 'class' ? tensor(labels, { shape: rows, device }) : made(c.shape, { seed: 3, scale: 0.5, shift: 0.5 }).requiresGrad_(),
    options: {
      labelSmoothing: c.smoothing,
      reduction: c.reduction,
      ...(c.kind === 'class' ? { ignoreIndex: c.ignoreIndex } : {}),
      ...(c.weighted ? { weight: made([classes], { seed: 2, scale: 0.9, shift: 1 }) } : {}),
    },
  };
}

const seeded = (like: Tensor, seed: number): Tensor => tensor(parityFill(like.size, { seed }), { shape: like.shape, device: like.device });
const title = (c: Case): string =>
  `[${c.shape}] ${c.kind}${c.weighted ? ', weighted' : ''}, smoothing ${c.smoothing}, ${c.reduction}${c.ignored === 'none' ? '' : `, ${c.ignored} ignored (${c.ignoreIndex})`}`;

describe('cross entropy against PyTorch in float64', () => {
  for (const [how, kind, compiled] of [
    ['eager', 'cpu', false],
    ['compiled', 'cpu', true],
    ['compiled as for a GPU', 'gpu', true],
  ] as const)
    it.each(cases.map((c) => [title(c), c] as const))(`%s, ${how}`, async (_, c) => {
      await scope(async () => {
        const { logits, target, options } = given(c, deviceOf(kind));
        const wanted = c.kind === 'class' ? [logits] : [logits, target];
        const body = (): Tensor[] => {
          const y = crossEntropy(logits, target, options);
          return [y, ...grad(sum(mul(y, seeded(y, 4))), wanted)];
        };
        const got = compiled ? compile(body, { device: logits.device })() : body();
        for (const [i, values] of [c.y, c.dx, ...(c.dtarget ? [c.dtarget] : [])].entries())
          expect(differs(['loss', 'dlogits', 'dtarget'][i] as string, await (got[i] as Tensor).read(), numbers(values))).toBe('');
      });
    });

  it.each(cases.filter((c) => c.second).map((c) => [title(c), c] as const))('the gradient of the gradient: %s', async (_, c) => {
    await scope(async () => {
      const { logits, target, options } = given(c, deviceOf('cpu'));
      const y = crossEntropy(logits, target, options);
      const [first] = grad(sum(mul(y, seeded(y, 4))), [logits], { createGraph: true });
      expect(differs('dlogits', await (first as Tensor).read(), numbers(c.dx))).toBe('');
      const [second] = grad(sum(mul(first as Tensor, seeded(logits, 5))), [logits]);
      expect(differs('second', await (second as Tensor).read(), numbers(c.second))).toBe('');
    });
  });

  it('halves: losses are f32, gradients halves, in mixed precision and outside it', async () => {
    const device = deviceOf('cpu');
    if (!device.caps.f16) return;
    for (const kind of ['class', 'probabilities'] as const) {
      const c = cases.find((one) => one.kind === kind && one.weighted && one.smoothing > 0 && one.reduction === 'mean') as Case;
      const { logits, target, options } = given(c, device);
      const half = cast(logits, 'f16').detach().requiresGrad_();
      const body = (): Tensor[] => {
        const y = crossEntropy(half, target, options);
        return [y, ...grad(mul(y, seeded(y, 4)), [half])];
      };
      for (const [y, dx] of [body(), autocast(body), compile(body, { device, precision: 'mixed' })()]) {
        expect([y?.dtype, dx?.dtype]).toEqual(['f32', 'f16']);
        // Logits up to 6 are rounded to half: 2⁻¹¹ of them.
        expect(differs('loss', await (y as Tensor).read(), numbers(c.y), { absolute: 5e-3, relative: 0 })).toBe('');
        expect(differs('dlogits', await (dx as Tensor).read(), numbers(c.dx), { absolute: 1e-6, relative: 1e-2 })).toBe('');
      }
    }
  });
});

describe('cross entropy beside its formula', () => {
  it('the layer takes the same options', async () => {
    const c = cases.find((one) => one.weighted && one.ignored === 'some' && one.reduction === 'mean') as Case;
    const { logits, target, options } = given(c, deviceOf('cpu'));
    expect(differs('loss', await new CrossEntropyLoss(options).forward(logits, target).read(), numbers(c.y))).toBe('');
  });

  it('a class that there is not makes NaN, an ignored one nothing', async () => {
    const device = deviceOf('cpu');
    const logits = tensor(parityFill(12, { seed: 1 }), { shape: [4, 3], device });
    const labels = tensor(Int32Array.of(0, 3, -1, -100), { device });
    for (const weight of [undefined, tensor([1, 2, 3], { device })]) {
      const losses = await crossEntropy(logits, labels, { reduction: 'none', weight }).read();
      expect([...losses].map(Number.isNaN)).toEqual([false, true, true, false]);
      expect(losses[3]).toBe(0);
      expect(await crossEntropy(logits, labels, { weight }).item()).toBeNaN();
    }
  });

  // As PyTorch: 0 / 0, and a gradient through it, in every row that is not ignored.
  describe.each(bothKinds)('a mean over classes that weigh nothing is NaN, and so is its gradient, on a %s', (kind) => {
    it.each([0, 0.1, 1])('labelSmoothing %s', async (labelSmoothing) => {
      const device = deviceOf(kind);
      const logits = tensor(parityFill(9, { seed: 1 }), { shape: [3, 3], device }).requiresGrad_();
      const labels = tensor(Int32Array.of(0, -100, 1), { device });
      const weight = tensor([0, 0, 2], { device });
      const body = (): Tensor[] => {
        const y = crossEntropy(logits, labels, { weight, labelSmoothing });
        return [
          y,
          ...grad(y, [logits]),
          ...grad(crossEntropy(logits, labels, { weight, labelSmoothing }), [logits], { createGraph: true }),
        ];
      };
      for (const values of [scope(body), compile(body, { device })()]) {
        const [y, ...gradients] = await Promise.all(values.map(async (t) => [...(await t.read())] as number[]));
        expect(y).toEqual([Number.NaN]);
        const rows = [Number.NaN, 0, Number.NaN].flatMap((d) => [d, d, d]);
        for (const dx of gradients) expect(dx.map((d) => d + 0)).toEqual(rows);
      }
    });
  });

  it('weights that cancel divide by 0: infinite, as PyTorch has it', async () => {
    const device = deviceOf('cpu');
    const logits = tensor([0, 1, 2, 0], { shape: [2, 2], device });
    const labels = tensor(Int32Array.of(0, 1), { device });
    for (const [sign, infinite] of [
      [1, Number.NEGATIVE_INFINITY],
      [-1, Number.POSITIVE_INFINITY],
    ] as const)
      expect(await crossEntropy(logits, labels, { weight: tensor([sign, -sign], { device }) }).item()).toBe(infinite);
  });

  it('a probability of 0 costs nothing beside a logit of −∞', async () => {
    const device = deviceOf('cpu');
    const logits = tensor([0, 0, Number.NEGATIVE_INFINITY], { shape: [1, 3], device });
    expect(await crossEntropy(logits, tensor([0.5, 0.5, 0], { shape: [1, 3], device })).item()).toBeCloseTo(Math.log(2), 6);
  });

  it('huge logits keep their meaning', async () => {
    const device = deviceOf('cpu');
    const logits = tensor([1e30, -1e30, 0, -1e30, 1e30, 0], { shape: [2, 3], device });
    const target = tensor([1, 0, 0, 0, 1, 0], { shape: [2, 3], device });
    expect(await crossEntropy(logits, target).item()).toBe(0);
    expect(await crossEntropy(logits, tensor(Int32Array.of(0, 1), { device })).item()).toBe(0);
    expect(await crossEntropy(logits, tensor(Int32Array.of(1, 0), { device })).item()).toBe(Math.fround(2e30));
  });

  it('refuses by name what does not fit', () => {
    const device = deviceOf('cpu');
    const logits = tensor(parityFill(6, { seed: 1 }), { shape: [2, 3], device });
    const labels = tensor(Int32Array.of(0, 2), { device });
    const probabilities = tensor(parityFill(6, { seed: 3 }), { shape: [2, 3], device });
    const of = (target: Tensor, options: CrossEntropyOptions) => () => crossEntropy(logits, target, options);
    expect(of(labels, { weight: tensor([1, 2], { device }) })).toThrow('weight [2] should be [3]');
    expect(of(labels, { weight: tensor([1, 2, 3], { shape: [3, 1], device }) })).toThrow('weight [3, 1] should be [3]');
    expect(of(labels, { weight: tensor(Int32Array.of(1, 2, 3), { device }) })).toThrow('weight is i32, but has to be f32');
    expect(of(probabilities, { ignoreIndex: 0 })).toThrow('ignoreIndex 0 is for class indices');
    expect(of(labels, { ignoreIndex: 0.5 })).toThrow('ignoreIndex 0.5');
    expect(of(labels, { labelSmoothing: 1.5 })).toThrow('labelSmoothing is 1.5');
    expect(of(tensor(Int32Array.of(0, 1, 2), { device }), {})).toThrow('takes logits [N, C] and target [N]');
    expect(of(tensor([1, 2], { device }), {})).toThrow('class indices (i32)');
  });
});
