import { fromHalf, toHalf } from '@initlab/core';
import { type CrossEntropyProblem, planCrossEntropy, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs, parityBound } from '../support/close.js';
import { parityFill, parityLabels } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

interface Given {
  readonly logits: Float32Array;
  readonly target: Int32Array<ArrayBuffer>;
  readonly g: Float32Array<ArrayBuffer>;
}

function reference({ rows, classes, labelSmoothing }: CrossEntropyProblem, { logits, target, g }: Given) {
  const loss = new Float64Array(rows);
  const dlogits = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const own = Array.from(logits.subarray(row * classes, (row + 1) * classes));
    const top = Math.max(...own);
    const lse = top + Math.log(own.reduce((a, v) => a + Math.exp(v - top), 0));
    own.forEach((v, k) => {
      const wanted = (k === target[row] ? 1 - labelSmoothing : 0) + labelSmoothing / classes;
      if (wanted > 0) loss[row] = (loss[row] as number) + wanted * (lse - v);
      dlogits[row * classes + k] = (g[row] as number) * (Math.exp(v - lse) - wanted);
    });
  }
  return { loss, dlogits };
}

async function run(problem: CrossEntropyProblem, { logits, target: labels, g }: Given, target: Target) {
  const { rows, classes, dtype } = problem;
  const f16 = dtype === 'f16';
  const stored = f16 ? Uint16Array.from(logits, toHalf) : new Float32Array(logits);
  const forward = await gpu.run(
    planCrossEntropy(problem, 'forward', target),
    { logits: stored, target: labels },
    { loss: rows * 4, stats: rows * 8 },
  );
  const stats = new Float32Array(forward.stats as ArrayBuffer);
  const bytes = rows * classes * (f16 ? 2 : 4);
  const backward = await gpu.run(
    planCrossEntropy(problem, 'backward', target),
    { g, logits: stored, target: labels, stats },
    { dlogits: bytes },
  );
  const raw = backward.dlogits as ArrayBuffer;
  return {
    loss: new Float32Array(forward.loss as ArrayBuffer),
    dlogits: f16 ? Float32Array.from(new Uint16Array(raw), fromHalf) : new Float32Array(raw),
  };
}

const cases: readonly { rows: number; classes: number; labelSmoothing?: number; scale?: number }[] = [
  { rows: 1, classes: 1 },
  { rows: 1, classes: 2 },
  { rows: 4, classes: 10 },
  { rows: 8, classes: 10, labelSmoothing: 0.1 },
  { rows: 128, classes: 100 },
  { rows: 3, classes: 1000, labelSmoothing: 0.2 },
  { rows: 257, classes: 33 },
  { rows: 6, classes: 10, scale: 8e4 },
];

describe('cross entropy and its gradient against float64', () => {
  for (const { rows, classes, labelSmoothing = 0, scale = 6 } of cases)
    it(`[${rows}, ${classes}]${labelSmoothing ? `, smoothing ${labelSmoothing}` : ''}${scale > 100 ? ', huge logits' : ''}`, async () => {
      const problem: CrossEntropyProblem = { rows, classes, labelSmoothing, dtype: 'f32' };
      const given = {
        logits: parityFill(rows * classes, { seed: 41, scale }),
        target: parityLabels(rows, { seed: 42, classes }),
        g: parityFill(rows, { seed: 43 }),
      };
      const wanted = reference(problem, given);
      for (const software of [true, false]) {
        const got = await run(problem, given, { ...gpu.target, software, bake: !software });
        expect(differs('loss', got.loss, wanted.loss)).toBe('');
        expect(differs('dlogits', got.dlogits, wanted.dlogits)).toBe('');
      }
    });

  it('half-precision logits, losses in float32', async () => {
    // The gradient is rounded once to half.
    const half: Bound = { absolute: 1e-6, relative: 1e-3 };
    const problem: CrossEntropyProblem = { rows: 50, classes: 12, labelSmoothing: 0.1, dtype: 'f16' };
    // An adapter without f16 cannot run them; everywhere the kernels must ask for it.
    expect(planCrossEntropy(problem, 'forward', gpu.target).dispatches[0]?.kernel.source()).toMatch(/^enable f16;/);
    if (!gpu.target.f16) return;
    const logits = parityFill(600, { seed: 44, scale: 6 }).map((v) => fromHalf(toHalf(v)));
    const given = { logits, target: parityLabels(50, { seed: 45, classes: 12 }), g: parityFill(50, { seed: 46 }) };
    const wanted = reference(problem, given);
    for (const software of [true, false]) {
      const got = await run(problem, given, { ...gpu.target, software });
      expect(differs('loss', got.loss, wanted.loss, parityBound)).toBe('');
      expect(differs('dlogits', got.dlogits, wanted.dlogits, half)).toBe('');
    }
  });

  it('a target outside the classes makes its loss and gradient NaN, no other', async () => {
    const problem: CrossEntropyProblem = { rows: 4, classes: 5, labelSmoothing: 0, dtype: 'f32' };
    const given = { logits: parityFill(20, { seed: 47 }), target: Int32Array.from([0, 5, 4, -1]), g: new Float32Array(4).fill(1) };
    for (const software of [true, false]) {
      const got = await run(problem, given, { ...gpu.target, software });
      expect([...got.loss].map(Number.isNaN)).toEqual([false, true, false, true]);
      expect([0, 1, 2, 3].map((row) => [...got.dlogits.subarray(row * 5, row * 5 + 5)].every(Number.isNaN))).toEqual([
        false,
        true,
        false,
        true,
      ]);
      expect([...got.dlogits].filter(Number.isNaN)).toHaveLength(10);
    }
  });

  it('NaN in the logits reaches the loss; a class ruled out costs nothing', async () => {
    const problem: CrossEntropyProblem = { rows: 3, classes: 3, labelSmoothing: 0, dtype: 'f32' };
    const nothing = Number.NEGATIVE_INFINITY;
    const given = {
      logits: Float32Array.from([1, Number.NaN, 2, 0, nothing, 0, 0, 0, nothing]),
      target: Int32Array.from([0, 2, 2]),
      g: new Float32Array(3).fill(1),
    };
    for (const software of [true, false]) {
      const { loss } = await run(problem, given, { ...gpu.target, software });
      expect(loss[0]).toBeNaN();
      expect(loss[1]).toBeCloseTo(Math.log(2), 5);
      expect(loss[2]).toBe(Number.POSITIVE_INFINITY);
    }
  });
});
