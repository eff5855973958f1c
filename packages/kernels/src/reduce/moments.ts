import { ceilDiv, dispatch, f32, grid, read, readWrite, single, u32, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { sizeScalars, strideScalars } from '../pointwise/coordinates.js';
import { collapseReduce } from './chain-reduce.js';
import { type MomentsPass, momentsMergeCode, momentsPassCode } from './moments.wgsl.js';
import { bakeOfWalk, chooseSplits, walkOf } from './walk.js';

const showReduced = (reduced: readonly boolean[]): string => reduced.map((r) => (r ? 'r' : 'k')).join('');

export interface MomentsProblem {
  /** Input dimensions in memory order. */
  readonly shape: readonly number[];
  /** Which of them are reduced. */
  readonly reduced: readonly boolean[];
  readonly dtype: 'f32' | 'f16';
  /** The variance is the sum of squared deviations times this. */
  readonly scale: number;
  /** What the values are multiplied with as they are read. Default 1. */
  readonly unit?: number | undefined;
}

/**
 * Mean and variance over any dimensions, in one read of the input. Slots: x0 → mean, variance (f32; the kept dimensions, in
 * memory order).
 *
 * A part of the values is summed as deviations from its first value, and the parts' means and squares are merged after Chan,
 * Golub and LeVeque, in order. Means are kept as deviations from the first value of all until the end: their rounding is that of
 * the spread, not of the mean, so that a mean of 10⁶ costs the variance no digits.
 */
export function planMoments({ shape, reduced: wanted, dtype, scale, unit = 1 }: MomentsProblem, target: Target): Plan {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const { chain, reduced } = collapseReduce({ chain: { shape, inputs: [{ dtype, strides }], steps: [], outputs: [] }, reduced: wanted });
  const walk = chain.inputs[0]?.strides ?? [];
  const { inner, lanes, dims, outputs, count } = walkOf(chain, reduced);
  const splits = chooseSplits(outputs, count, target);
  const walked = { reduced, lanes, scaled: unit !== 1 } as const;
  // The squares of halves are f32.
  const again = dtype === 'f32';
  const pass: MomentsPass = { ...walked, dtype, final: splits === 1, again };
  const results = outputs * (inner ? 1 : lanes);
  const layout = `${showReduced(reduced)}-v${lanes}${unit === 1 ? '' : '-unit'}`;
  const name = `moments-${dtype}-${layout}`;
  const places = { ...sizeScalars(dims, 0), ...strideScalars({ s: walk }, lanes), ...(unit === 1 ? {} : { unit: f32(unit) }) };
  const cut = u32s({ count, splits, chunk: ceilDiv(count, splits) });
  const partial = dispatch(target, {
    family: 'moments',
    about: `Mean and squared deviations of reduced elements. d are sizes, s strides in vectors. Reduced elements are cut into splits; an invocation owns one split of one
output (of a vector of them). No barriers.`,
    key: pass,
    show: { reduced: showReduced },
    bindings: [
      read('x0', lanes === 4 ? `vec4<${dtype}>` : dtype),
      readWrite('mean'),
      splits === 1 ? readWrite('variance') : readWrite('parts', 'vec2<f32>'),
    ],
    bake: bakeOfWalk(reduced),
    scalars: { outputs: u32(outputs), ...cut, ...places, ...(splits === 1 ? { scale: f32(scale) } : {}) },
    workgroups: grid(outputs * splits, target),
    code: momentsPassCode,
  });
  if (splits === 1) return single(partial, name);
  const serial = target.software || splits <= 32;
  const merge = dispatch(target, {
    family: 'moments-merge',
    about: `Joins the moments of splits: parts lie [split][output]. Where they are few (serial) an invocation owns an output, else a workgroup,
and a tree joins its invocations' shares. Barriers: what is joined at a level was written before it. x0 is read where squares were beyond f32 only.`,
    key: { serial, inner, walk: again ? walked : undefined },
    show: { walk: (walk) => (walk ? `${showReduced(walk.reduced)}-v${walk.lanes}${walk.scaled ? '-scaled' : ''}` : '') },
    bindings: [read('parts', 'vec2<f32>'), ...(again ? [{ ...read('x0'), seldom: true }] : []), readWrite('mean'), readWrite('variance')],
    bake: bakeOfWalk(reduced),
    // each: values that one step of a part takes.
    scalars: { results: u32(results), ...cut, each: u32(inner ? lanes : 1), scale: f32(scale), ...(again ? places : {}) },
    workgroups: grid(results, target, { together: !serial }),
    code: momentsMergeCode,
  });
  return {
    variant: `${name}-merge-${serial ? 'serial' : 'tree'}`,
    temporaries: [{ slot: 'parts', bytes: results * splits * 8 }],
    dispatches: [partial, merge],
  };
}
