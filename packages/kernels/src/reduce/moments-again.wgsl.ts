import { halving } from '../halving.wgsl.js';
import { coordinates, offset } from '../pointwise/coordinates.js';
import { reduceGroup } from './kind.js';
import { picked } from './walk.js';

/** Where the values behind a result lie, and who walks over them. */
export interface MomentsAgain {
  /** Which of the collapsed dimensions are reduced; the last counts vectors of `lanes`. */
  readonly reduced: readonly boolean[];
  readonly lanes: 1 | 4;
  /** The binding `x0` holds vectors, not single values. */
  readonly vectors: boolean;
  /** Values are multiplied with `p.unit`. */
  readonly scaled: boolean;
  /** A workgroup works on one result together, else each invocation alone. */
  readonly together: boolean;
}

/**
 * WGSL of `momentsAgain(base, part, lane)`: mean and variance of a result whose sum of squares came out infinite or NaN, from the values
 * themselves, each times a power of two that brings the largest near 1. So differences of values near ±f32's maximum, which are no f32,
 * make neither NaN. Where values are not finite `fine` is false. `part` is the component of the result's vector.
 */
export function momentsAgainCode({ reduced, lanes, vectors, scaled, together }: MomentsAgain): string {
  const inner = reduced.at(-1) === true;
  const each = inner ? lanes : 1;
  const component = inner ? `k % ${lanes}u` : 'part';
  const at = lanes === 1 ? 'x0[at]' : vectors ? `x0[at][${component}]` : `x0[at * ${lanes}u + ${component}]`;
  const walk = (line: string): string =>
    `for (var k = ${together ? 'lane' : '0u'}; k < p.count * ${each}u; k += ${together ? reduceGroup : 1}u) { let v = valueAt(base, part, k); ${line} }`;
  const across = together
    ? `
var<workgroup> tops: array<u32, ${reduceGroup}>;
var<workgroup> pairs: array<vec2f, ${reduceGroup}>;
fn largest(v: u32, lane: u32) -> u32 {
  tops[lane] = v;
  ${halving({ half: `${reduceGroup / 2}u`, what: 'value', join: 'tops[lane] = max(tops[lane], tops[lane + step]);' })}
  return workgroupUniformLoad(&tops[0]);
}
fn summed(v: vec2f, lane: u32) -> vec2f {
  pairs[lane] = v;
  ${halving({ half: `${reduceGroup / 2}u`, what: 'value', join: 'pairs[lane] += pairs[lane + step];' })}
  return workgroupUniformLoad(&pairs[0]);
}`
    : '';
  return `${across}
struct Again { mean: f32, variance: f32, fine: bool }
fn valueAt(base: u32, part: u32, k: u32) -> f32 {
  ${coordinates(`k / ${each}u`, picked(reduced, false))}
  let at = base + ${offset('s', picked(reduced, false))};
  return f32(${at})${scaled ? ' * p.unit' : ''};
}
// v · 2^−drop, by its bits: some compilers take a common factor out of a sum, which then overflows after all.
fn lowered(v: f32, drop: u32) -> f32 {
  let bits = bitcast<u32>(v);
  return select(0.0, bitcast<f32>(bits - (drop << 23u)), ((bits >> 23u) & 255u) > drop);
}
fn momentsAgain(base: u32, part: u32, lane: u32) -> Again {
  var top = 0u;
  ${walk(`top = max(top, bitcast<u32>(v) & 0x7fffffffu); ${together ? '' : 'if (top >= 0x7f800000u) { break; }'}`)}
  ${together ? 'top = largest(top, lane);' : ''}
  if (top >= 0x7f800000u) { return Again(0.0, 0.0, false); }
  let drop = max(top >> 23u, 127u) - 127u;
  let up = bitcast<f32>((127u + drop) << 23u);
  let n = f32(p.count * ${each}u);
  var total = vec2f();
  ${walk('total.x += lowered(v, drop);')}
  ${together ? 'total = summed(total, lane);' : ''}
  let centre = total.x / n;
  total = vec2f();
  ${walk('let d = lowered(v, drop) - centre; total += vec2f(d, d * d);')}
  ${together ? 'total = summed(total, lane);' : ''}
  let squares = max(total.y - total.x * (total.x / n), 0.0);
  return Again((centre + total.x / n) * up, squares * p.scale * up * up, true);
}`;
}
