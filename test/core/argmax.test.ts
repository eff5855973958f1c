import { argmax, argmin, cast, compile, type DType, scope, type Tensor, tensor } from '@initlab/core';
import { describe, expect, it } from 'vitest';
import { devicesOfBothKinds } from '../support/both-kinds.js';

const deviceOf = devicesOfBothKinds();

/** Where the extreme of each line of `values` along `dim` stands: of equals the first, and NaN before all. */
function expected(values: readonly number[], shape: readonly number[], { dim, smallest }: { dim: number; smallest: boolean }): number[] {
  const inner = shape.slice(dim + 1).reduce((n, size) => n * size, 1);
  const length = shape[dim]!;
  const lines = values.length / length;
  return Array.from({ length: lines }, (_, line) => {
    const at = (k: number): number => values[(Math.floor(line / inner) * length + k) * inner + (line % inner)]!;
    let best = 0;
    for (let k = 1; k < length; k++) {
      if (Number.isNaN(at(best))) break;
      if (Number.isNaN(at(k)) || (smallest ? at(k) < at(best) : at(k) > at(best))) best = k;
    }
    return best;
  });
}

/** Few different numbers, so that many are equal; some are none where the type has that. */
const numbers = (count: number, dtype: DType): number[] =>
  Array.from({ length: count }, (_, i) => {
    const value = ((i * 7919 + 13) % 23) - (dtype === 'u32' ? 0 : 11);
    return dtype.startsWith('f') && (i * 31) % 97 === 5 ? Number.NaN : value;
  });

const shapes: readonly (readonly [shape: readonly number[], dim: number])[] = [
  [[1], 0],
  [[5], 0],
  [[3, 7], 1],
  [[7, 3], 0],
  [[2, 5, 3], -2],
  [[2, 3, 4, 5], 1],
  // Longer than a workgroup takes at once, on a GPU.
  [[1000], 0],
  [[3, 600], 1],
  [[300, 2], 0],
];

describe.each(['cpu', 'gpu'] as const)('planned for a %s', (kind) => {
  it.each(['f32', 'f16', 'i32', 'u32'] as const)('places in lines of %s, eager and compiled', async (dtype) => {
    const device = deviceOf(kind);
    for (const [shape, dim] of shapes)
      for (const [op, smallest] of [
        [argmax, false],
        [argmin, true],
      ] as const)
        for (const [run, body] of [
          ['eager', (f: () => Tensor) => f()],
          ['compiled', (f: () => Tensor) => compile(f, { device })()],
        ] as const) {
          const count = shape.reduce((n, size) => n * size, 1);
          const values = numbers(count, dtype);
          const at = dim < 0 ? dim + shape.length : dim;
          const what = `${op.name} of [${shape.join()}] along ${dim}, ${run}`;
          await scope(async () => {
            const whole = dtype === 'u32' || dtype === 'i32';
            const made = tensor(whole ? Int32Array.from(values) : values, { shape, device });
            const x = made.dtype === dtype ? made : cast(made, dtype);
            const y = body(() => op(x, { dim }));
            expect(y.shape, what).toEqual(shape.toSpliced(at, 1));
            expect([...(await y.read())], what).toEqual(expected(values, shape, { dim: at, smallest }));
            expect(op(x, { dim, keepdim: true }).shape).toEqual(shape.with(at, 1));
            const all = op(x);
            expect(all.shape).toEqual([]);
            expect(await all.item(), what).toEqual(expected(values, [count], { dim: 0, smallest })[0]);
          });
        }
  });
});

it('of a scalar, with all dimensions kept, and as a method', async () => {
  const device = deviceOf('cpu');
  expect(await argmax(tensor(3, { device })).item()).toBe(0);
  const x = tensor([1, 5, 2, 4], { shape: [2, 2], device });
  expect(argmin(x, { keepdim: true }).shape).toEqual([1, 1]);
  expect([...(await x.argmax({ dim: 0 }).read())]).toEqual([1, 0]);
  expect([...(await x.argmin({ dim: 1 }).read())]).toEqual([0, 0]);
});
