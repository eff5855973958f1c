import { entry, grid, i32, planSingle, read, readWrite, type Scalars, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { Lines } from './lines.js';

/** Slices `start`, `start + step`, … of a dimension, `length` of them; `step` may be 0 or negative. */
export interface Piece {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** What the adjoint is called with: the lines of dx, and at most three pieces. */
export interface PiecesGradProblem extends Lines {
  readonly pieces: readonly Piece[];
  readonly dtype: 'f32' | 'f16';
}

const most = 3;

/**
 * The adjoint of joining pieces of a dimension: every slice of dx is the sum of those of dy that were taken from it, gathered
 * piece by piece, so in a fixed order. Slots: dy → dx, both with `outer` and `inner` alike.
 */
export function planPiecesGrad({ outer, length, inner, pieces, dtype }: PiecesGradProblem, target: Target): Plan {
  const count = outer * length * inner;
  const taken = pieces.reduce((n, piece) => n + piece.length, 0);
  const scalars: Scalars = u32s({ count, length, inner, taken });
  for (let k = 0; k < most; k++) {
    const { start, step, length: size } = pieces[k] ?? { start: 0, step: 1, length: 0 };
    Object.assign(scalars, { [`start${k}`]: i32(start), [`step${k}`]: i32(step), [`size${k}`]: i32(size) });
  }
  return planSingle('pieces-grad', target, {
    family: 'pieces-grad',
    about:
      'dx lies [outer][length][inner], dy [outer][taken][inner], piece after piece. An invocation owns one element of dx and adds what each piece took of it. No barriers.',
    key: { dtype },
    bindings: [read('dy', dtype), readWrite('dx', dtype)],
    scalars,
    workgroups: grid(count, target),
    code: ({ dtype }) => `
// Sum of the slices of one piece, whose first is slice \`first\` of dy, that were taken from slice j.
fn part(j: i32, start: i32, step: i32, size: i32, first: u32, base: u32) -> f32 {
  let far = j - start;
  var begin = 0;
  var end = size;
  if (step == 0) {
    if (far != 0) { end = 0; }
  } else {
    begin = far / step;
    end = select(begin, begin + 1, begin * step == far && begin >= 0 && begin < size);
  }
  var sum = 0.0;
  for (var k = begin; k < end; k++) { sum += f32(dy[base + (first + u32(k)) * p.inner]); }
  return sum;
}

${entry('i', 'p.count')}
  let n = i % p.inner;
  let j = i32((i / p.inner) % p.length);
  let base = i / (p.inner * p.length) * p.taken * p.inner + n;
  dx[i] = ${dtype}(part(j, p.start0, p.step0, p.size0, 0u, base)
    + part(j, p.start1, p.step1, p.size1, u32(p.size0), base)
    + part(j, p.start2, p.step2, p.size2, u32(p.size0 + p.size1), base));
}`,
  });
}
