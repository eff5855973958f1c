import { dispatch, entry, f32, grid, read, readWrite, u32, u32s } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type GradientPiece, gradientPieces } from './pieces.js';
import { down, treeSum, up, wideRoot } from './wide-squares.js';

const workgroupSize = 64;
const perThread = 64;

/**
 * Scale gradients in place so that their common norm is at most `maxNorm` (PyTorch's `clip_grad_norm_`, factor
 * maxNorm / (norm + 1e-6), at most 1; a NaN norm makes every gradient NaN that is not 0: gaps between parameters stay 0). Slots: grad0, grad1, … (rw, f32, `sizes`
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
  const { pieces, total } = gradientPieces(sizes, workgroupSize * perThread, target);
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

/** Unscaled before they are squared: squares of scaled gradients would soon be beyond f32. */
function sumSquares({ elements, count, begin, slot }: GradientPiece, { scaled }: { scaled: boolean }, target: Target): Dispatch {
  return dispatch(target, {
    family: 'sum-squares',
    about: `Sums of squares of one piece of the gradients, as they are and scaled down and up, for numbers whose squares are beyond f32. A workgroup owns a run of
neighbours, and a tree joins its invocations' sums. Barriers: what is joined at a level was written before it.`,
    key: { scaled },
    bindings: [read('grad'), ...(scaled ? [read('lossScale')] : []), readWrite('partials', 'vec4<f32>')],
    slots: { grad: slot },
    scalars: u32s({ size: elements, count, begin }),
    workgroups: grid(count, target, { together: true }),
    code: ({ scaled }) => `
var<workgroup> shared_: array<vec4f, ${workgroupSize}>;
${entry('group', 'p.count', { together: true })}
  var sum = vec4f();
  for (var k = 0u; k < ${perThread}u; k++) {
    let i = (group * ${perThread}u + k) * ${workgroupSize}u + lane;
    if (i < p.size) { let g = ${scaled ? 'grad[i] * lossScale[1]' : 'grad[i]'}; let all = g * vec4f(1.0, ${down}, ${up}, 0.0); sum += all * all; }
  }
  ${treeSum(workgroupSize)}
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
  ${treeSum(workgroupSize)}
  if (lane == 0u) {
    let squares = shared_[0];
    ${wideRoot('found', { squares: 'squares.x', scaledDown: 'squares.y', scaledUp: 'squares.z' })}
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

function scale({ elements, slot }: GradientPiece, target: Target): Dispatch {
  return dispatch(target, {
    family: 'scale-by-factor',
    about: 'An invocation owns one element of the gradients. What is 0 stays so, whatever the factor is. No barriers.',
    key: {},
    bindings: [readWrite('grad'), read('factor')],
    slots: { grad: slot },
    scalars: { size: u32(elements) },
    workgroups: grid(elements, target),
    code: () => `
${entry('i', 'p.size')}
  if ((bitcast<u32>(grad[i]) & 0x7fffffffu) != 0u) { grad[i] = grad[i] * factor[0]; }
}`,
  });
}
