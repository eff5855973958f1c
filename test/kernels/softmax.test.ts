import { planSoftmax, type SoftmaxProblem } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

/** Softmax or its logarithm and the gradient, in float64. */
function reference({ outer, classes, inner, log }: SoftmaxProblem, x: ArrayLike<number>, dy: ArrayLike<number>) {
  const y = new Float64Array(x.length);
  const dx = new Float64Array(x.length);
  for (let row = 0; row < outer * inner; row++) {
    const places = Array.from({ length: classes }, (_, k) => Math.floor(row / inner) * classes * inner + k * inner + (row % inner));
    const top = Math.max(...places.map((i) => x[i] as number));
    const powers = places.map((i) => Math.exp((x[i] as number) - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    const p = powers.map((e) => e / sum);
    const total = places.reduce((a, i, k) => a + (dy[i] as number) * (log ? 1 : (p[k] as number)), 0);
    places.forEach((i, k) => {
      const [own, g] = [p[k] as number, dy[i] as number];
      y[i] = log ? (x[i] as number) - top - Math.log(sum) : own;
      dx[i] = log ? g - own * total : own * (g - total);
    });
  }
  return { y, dx };
}

const shapes = [
  [1, 1, 1],
  [4, 10, 1],
  [3, 5, 7],
  [2, 1000, 1],
  [300, 3, 1],
  [1, 513, 2],
  [70, 33, 1],
] as const;

describe('softmax, its logarithm and their gradients against float64', () => {
  for (const [outer, classes, inner] of shapes)
    for (const log of [false, true])
      it(`${log ? 'log of ' : ''}[${outer}, ${classes}, ${inner}]`, async () => {
        const problem: SoftmaxProblem = { outer, classes, inner, log };
        const size = outer * classes * inner;
        const x = parityFill(size, { seed: 31, scale: 5 });
        const dy = parityFill(size, { seed: 32 });
        const wanted = reference(problem, x, dy);
        for (const software of [true, false]) {
          const target = { ...gpu.target, software, bake: !software };
          const { y } = await gpu.run(planSoftmax(problem, 'forward', target), { x }, { y: size * 4 });
          const values = new Float32Array(y as ArrayBuffer);
          expect(differs('y', values, wanted.y)).toBe('');
          const { dx } = await gpu.run(planSoftmax(problem, 'backward', target), { dy, y: values }, { dx: size * 4 });
          expect(differs('dx', new Float32Array(dx as ArrayBuffer), wanted.dx)).toBe('');
        }
      });
});

describe('softmax of extreme values', () => {
  it('huge logits, masked ones and NaN', async () => {
    const x = Float32Array.from([8e4, -8e4, 8e4, Number.NEGATIVE_INFINITY, 0, 0, 1, Number.NaN, 2]);
    for (const software of [true, false]) {
      const plan = planSoftmax({ outer: 3, classes: 3, inner: 1, log: false }, 'forward', { ...gpu.target, software });
      const { y } = await gpu.run(plan, { x }, { y: 36 });
      expect([...new Float32Array(y as ArrayBuffer)]).toEqual([0.5, 0, 0.5, 0, 0.5, 0.5, Number.NaN, Number.NaN, Number.NaN]);
    }
  });
});
