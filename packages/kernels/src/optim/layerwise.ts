import { dispatch, entry, grid, read, readWrite, u32s } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { flatSlots, momentSlots, updatePiece } from './optim.js';
import { type FlatPiece, flatPieces } from './pieces.js';
import { type LayerwiseRule, showRule } from './rule.js';
import { blockElements, blockScalars, constantsOf, gradient, loads, numbersOf, perInvocation, ruleThreads, stores } from './rule.wgsl.js';
import { down, treeSum, up, wideRoot } from './wide-squares.js';

const vectorsPerBlock = blockElements / 4;

/** Parameters of a flat buffer, from `first` on. */
export interface LayerwiseProblem {
  readonly size: number;
  readonly first: number;
  readonly count: number;
  readonly scaled?: boolean;
}

/**
 * One step of such a rule over a flat buffer. Slots as `planOptimizer`, and `layers` (i32): for each parameter of the whole buffer the
 * block of 64 elements where it begins, and 1 where it has a trust ratio, 0 where that is 1; after the last where that ends.
 *
 * Lengths come from sums by block, then by parameter; the ratio is written for each block, and all elements are updated by it.
 */
export function planLayerwise(rule: LayerwiseRule, { size, first, count, scaled = false }: LayerwiseProblem, target: Target): Plan {
  const blocks = size / blockElements;
  const pieces = flatPieces(size, target);
  return {
    variant: ['optim', rule.name, ...(scaled ? ['scaled'] : [])].join('-'),
    temporaries: [
      { slot: 'sums', bytes: blocks * 16 },
      { slot: 'ratios', bytes: Math.max(16, blocks * 4) },
    ],
    dispatches: [
      ...pieces.map((piece) => sumLengths(rule, piece, { scaled, target })),
      joinLengths(rule, { first, count }, target),
      ...pieces.map((piece) => updatePiece(rule, piece, { scaled, target })),
    ],
  };
}

function sumLengths(rule: LayerwiseRule, piece: FlatPiece, { scaled, target }: { scaled: boolean; target: Target }): Dispatch {
  const blocks = piece.elements / blockElements;
  return dispatch(target, {
    family: 'optim-lengths',
    about: `Sums of squares of the parameters and of the direction of their step, which it finds, by blocks of ${blockElements} elements. An invocation
owns a block, of one parameter. No barriers.`,
    key: { kind: rule, scaled },
    show: { kind: showRule },
    bindings: [
      read('param', 'vec4<f32>'),
      read('grad', 'vec4<f32>'),
      read('hyper'),
      ...(rule.directionMoves ? momentSlots(rule).map((slot) => readWrite(slot, 'vec4<f32>')) : []),
      readWrite('sums', 'vec4<f32>'),
      ...(scaled ? [read('lossScale')] : []),
    ],
    slots: flatSlots(rule, piece.of),
    bake: 'shared',
    scalars: blockScalars(rule, piece, blocks),
    workgroups: grid(blocks, target),
    code: ({ kind, scaled }) =>
      perInvocation(
        kind,
        scaled,
        `
  var sum = vec4f();
  for (var k = i * ${vectorsPerBlock}u; k < (i + 1u) * ${vectorsPerBlock}u; k++) {
    let w = param[k];
    ${gradient('k', scaled)}
    ${kind.directionMoves ? loads(kind, 'k') : ''}
    var u = vec4f();
    ${kind.direction.trim()}
    ${kind.directionMoves ? stores(kind, 'k') : ''}
    let smaller = u * ${down};
    let larger = u * ${up};
    sum += vec4f(dot(w, w), dot(u, u), dot(smaller, smaller), dot(larger, larger));
  }
  sums[p.block + i] = sum;`,
      ),
  });
}

function joinLengths(rule: LayerwiseRule, { first, count }: Pick<LayerwiseProblem, 'first' | 'count'>, target: Target): Dispatch {
  return dispatch(target, {
    family: 'optim-trust',
    about: `The ratio of a parameter, from its blocks' sums, written for each of its blocks. A workgroup owns a parameter; an invocation takes every
n-th block, and a tree joins them. Barriers: what is joined at a level was written before it; the ratio is there before all read it.`,
    key: { kind: rule },
    show: { kind: showRule },
    bindings: [read('sums', 'vec4<f32>'), read('hyper'), read('layers', 'vec2<i32>'), readWrite('ratios')],
    bake: 'shared',
    scalars: { ...u32s({ first, count }), ...constantsOf(rule) },
    workgroups: grid(count, target, { together: true }),
    code: ({ kind }) => `
var<workgroup> shared_: array<vec4f, ${ruleThreads}>;
${entry('layer', 'p.count', { together: true })}
  ${numbersOf(kind)}
  let before = layers[p.first].x;
  let begin = u32(layers[p.first + layer].x - before);
  let end = u32(layers[p.first + layer + 1u].x - before);
  var sum = vec4f();
  for (var i = begin + lane; i < end; i += ${ruleThreads}u) { sum += sums[i]; }
  ${treeSum(ruleThreads)}
  let squares = shared_[0];
  let parameterLength = sqrt(squares.x);
  ${wideRoot('directionLength', { squares: 'squares.y', scaledDown: 'squares.z', scaledUp: 'squares.w' })}
  var trust = 1.0;
  if (layers[p.first + layer].y != 0 && parameterLength != 0.0 && directionLength != 0.0) { trust = ${kind.trust}; }
  for (var i = begin + lane; i < end; i += ${ruleThreads}u) { ratios[i] = trust; }
}`,
  });
}
