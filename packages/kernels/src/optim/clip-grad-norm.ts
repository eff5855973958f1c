import { ceilDiv, dispatch, entry, f32, grid, mainOf, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, SlotRange, Target } from '../plan.js';
import { flatPieces } from './pieces.js';

const workgroupSize = 64;
const vectorsPerThread = 16;
/** Whose squares are summed too, in case those of the gradients themselves are no f32: 2⁻⁸⁰ and 2⁸⁰ of them. */
const [down, up] = ['0x1p-80f', '0x1p80f'];
const treeSum = (value: string): string => `
  shared_[lane] = ${value};
  workgroupBarrier();
  // A tree of fixed shape: the same bits every time. The barrier lets a level be complete before the next reads it.
  for (var width = ${workgroupSize / 2}u; width > 0u; width >>= 1u) {
    if (lane < width) { shared_[lane] += shared_[lane + width]; }
    workgroupBarrier();
  }`;

/**
 * Scale gradients in place so that their common norm is at most `maxNorm` (PyTorch's `clip_grad_norm_`, factor
 * maxNorm / (norm + 1e-6), at most 1; a NaN norm makes every gradient NaN). Slots: grad0, grad1, … (rw, f32, `sizes`
 * elements), with `scaled` also lossScale (`lossScaleNames`; the norm is then that of the unscaled gradients) → norm [1]
 * before clipping. Without `maxNorm` the norm is measured and the gradients are only read. A norm that is an f32 is right also
 * where its square is none.
 *
 * Each workgroup leaves the sums of squares of its own piece in `partials`, one workgroup adds those, then all scale.
 */
export function planClipGradNorm(
  { sizes, maxNorm, scaled = false }: { sizes: readonly number[]; maxNorm?: number | undefined; scaled?: boolean },
  target: Target,
): Plan {
  let total = 0;
  const pieces = sizes.flatMap((length, i) =>
    flatPieces(length, target).map(({ elements: size, of }): Piece => {
      const count = ceilDiv(ceilDiv(size, 4), workgroupSize * vectorsPerThread);
      total += count;
      return { size, count, begin: total - count, slot: of(`grad${i}`) };
    }),
  );
  const clips = maxNorm !== undefined;
  return {
    variant: clips ? 'clip-grad-norm' : 'grad-norm',
    temporaries: [{ slot: 'partials', bytes: Math.max(16, total * 16) }, ...(clips ? [{ slot: 'factor', bytes: 4 }] : [])],
    dispatches: [
      ...pieces.map((piece) => sumSquares(piece, { scaled }, target)),
      normOf({ count: total, maxNorm }, target),
      ...(clips ? pieces.map((piece) => scale(piece, target)) : []),
    ],
  };
}

interface Piece {
  readonly size: number;
  /** Workgroups of this piece, and where their sums begin. */
  readonly count: number;
  readonly begin: number;
  readonly slot: string | SlotRange;
}

/** Unscaled before they are squared: squares of scaled gradients would soon be beyond f32. */
function sumSquares({ size, count, begin, slot }: Piece, { scaled }: { scaled: boolean }, target: Target): Dispatch {
  return dispatch(target, {
    family: 'sum-squares',
    about: `Sums of squares of one piece of the gradients, as they are and scaled down and up, for numbers whose squares are beyond f32. A workgroup owns a run of
neighbours, and a tree joins its invocations' sums. Barriers: what is joined at a level was written before it.`,
    key: { scaled },
    bindings: [read('grad'), ...(scaled ? [read('lossScale')] : []), readWrite('partials', 'vec4<f32>')],
    slots: { grad: slot },
    scalars: { size: u32(size), count: u32(count), begin: u32(begin) },
    workgroups: grid(count, target, { together: true }),
    code: ({ scaled }) => `
var<workgroup> shared_: array<vec4f, ${workgroupSize}>;
${entry('group', 'p.count', { together: true })}
  var sum = vec4f();
  for (var k = 0u; k < ${vectorsPerThread * 4}u; k++) {
    let i = (group * ${vectorsPerThread * 4}u + k) * ${workgroupSize}u + lane;
    if (i < p.size) { let g = ${scaled ? 'grad[i] * lossScale[1]' : 'grad[i]'}; let all = g * vec4f(1.0, ${down}, ${up}, 0.0); sum += all * all; }
  }
  ${treeSum('sum')}
  if (lane == 0u) { partials[p.begin + group] = shared_[0]; }
}`,
  });
}

function normOf({ count, maxNorm }: { count: number; maxNorm: number | undefined }, target: Target): Dispatch {
  const clips = maxNorm !== undefined;
  return dispatch(target, {
    family: 'norm-of-sums',
    about: `The norm of all gradients, from the workgroups' sums. One workgroup; an invocation takes every n-th sum, and a tree joins them.
Barriers: what is joined at a level was written before it.`,
    key: { clips },
    bindings: [read('partials', 'vec4<f32>'), readWrite('norm'), ...(clips ? [readWrite('factor')] : [])],
    scalars: { count: u32(count), ...(clips ? { maxNorm: f32(maxNorm) } : {}) },
    workgroups: [1, 1, 1],
    code: ({ clips }) => `
var<workgroup> shared_: array<vec4f, ${workgroupSize}>;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec4f();
  for (var i = lane; i < p.count; i += ${workgroupSize}u) { sum += partials[i]; }
  ${treeSum('sum')}
  if (lane == 0u) {
    let squares = shared_[0];
    var found = sqrt(squares.x);
    if (squares.x < 1e-30) { found = sqrt(squares.z) * ${down}; }
    if (bitcast<u32>(squares.x) == 0x7f800000u) { found = sqrt(squares.y) * ${up}; }
    norm[0] = found;
    ${
      clips
        ? `let wanted = p.maxNorm / (found + 1e-6);
    // Not min(), which may lose a NaN.
    factor[0] = select(wanted, 1.0, wanted > 1.0);`
        : ''
    }
  }
}`,
  });
}

function scale({ size, slot }: Piece, target: Target): Dispatch {
  return dispatch(target, {
    family: 'scale-by-factor',
    about: 'An invocation owns one element of the gradients. No barriers.',
    key: {},
    bindings: [readWrite('grad'), read('factor')],
    slots: { grad: slot },
    scalars: { size: u32(size) },
    workgroups: grid(size, target),
    code: () => `
${mainOf(workgroupSize)}
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i < p.size) { grad[i] = grad[i] * factor[0]; }
}`,
  });
}
