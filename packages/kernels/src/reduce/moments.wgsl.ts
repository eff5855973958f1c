import { halving } from '../halving.wgsl.js';
import { entry } from '../kernel.js';
import { coordinates, offset } from '../pointwise/coordinates.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { reduceGroup } from './kind.js';
import { type MomentsAgain, momentsAgainCode } from './moments-again.wgsl.js';
import { ownSplit, picked, splitRange } from './walk.js';

/** Where the values lie, and what they are multiplied with. */
type MomentsWalk = Omit<MomentsAgain, 'vectors' | 'together'>;

/** The pass that reads the input. */
export interface MomentsPass extends MomentsWalk {
  readonly dtype: 'f32' | 'f16';
  /** One part is all there is: the results are made at once. */
  readonly final: boolean;
  /** Values may have squares beyond f32: such results are measured again. */
  readonly again: boolean;
}

/** WGSL: coordinates of output `o`, and `base`, where its values begin. */
const outputBase = (reduced: readonly boolean[]): string => {
  const kept = picked(reduced, true);
  return `${coordinates('o', kept)} base = ${offset('s', kept)};`;
};

/*
 * Squares beyond f32 are infinite or NaN, told by their bits, since drivers' comparisons do not know NaN. Rounding may leave a small
 * negative number. a · (a / n), since a² may overflow where b does not.
 */
const squaresOf = `${mathFunctions(['nanOf'])}
fn notFinite(v: f32) -> bool { return (bitcast<u32>(v) & 0x7f800000u) == 0x7f800000u; }
fn squaresOf(a: f32, b: f32, n: f32) -> f32 {
  let less = a * (a / n);
  if (notFinite(less)) { return nanOf(b); }
  if (notFinite(b)) { return b; }
  return max(b - less, 0.0);
}`;

/**
 * An invocation sums one part (`s`) of the values behind one result (or four neighbours), as deviations from the part's first
 * value: (mean − first value of all, sum of squared deviations) goes to `parts`, the first value of all to `mean`.
 */
export function momentsPassCode({ reduced, lanes, final, scaled, again }: MomentsPass): string {
  const inner = reduced.at(-1) === true;
  const vector = lanes === 4 ? 'vec4f' : 'f32';
  // Four neighbours of one result share the origin, so that their sums may be added.
  const joins = inner && lanes === 4;
  const gone = picked(reduced, false);
  const times = scaled ? ' * p.unit' : '';
  const origin = (at: string): string => (joins ? `vec4f(f32(x0[${at}].x)${times})` : `${vector}(x0[${at}])${times}`);
  const place = (r: string): string => `${coordinates(r, gone)} let at = base + ${offset('s', gone)};`;
  const parts = inner || lanes === 1 ? [''] : ['.x', '.y', '.z', '.w'];
  const whole = (v: string): string => (joins ? `((${v}.x + ${v}.y) + (${v}.z + ${v}.w))` : v);
  const width = inner ? 1 : lanes;
  const each = (line: (part: string, k: number) => string): string => parts.map(line).join('\n  ');
  const first = joins ? 'first.x' : 'first';
  const measures = final && again;
  return `${squaresOf}
${measures ? momentsAgainCode({ reduced, lanes, scaled, vectors: true, together: false }) : ''}
${entry('i', 'p.outputs * p.splits')}
  ${ownSplit(inner)}
  var base = 0u;
  { ${outputBase(reduced)} }
  ${splitRange(inner)}
  let first = ${origin('base')};
  var origin = first;
  if (begin < end) { ${place('begin')} origin = ${origin('at')}; }
  var a = ${vector}();
  var b = ${vector}();
  var steps = 0.0;
  for (var r = begin; r < end; r += by) {
    ${place('r')}
    let d = ${vector}(x0[at])${times} - origin;
    a += d;
    b = fma(d, d, b);
    steps += 1.0;
  }
  let n = max(steps * ${joins ? '4.0' : '1.0'}, 1.0);
  let sum = ${whole('a')};
  let squares = ${whole('b')};
  let centre = (${joins ? 'origin.x' : 'origin'} - ${first}) + sum / n;
  ${each((part, k) => {
    const [to, second] = [`o${width === 1 ? '' : ` * ${width}u + ${k}u`}`, `squaresOf(sum${part}, squares${part}, n)`];
    if (measures)
      return `{
    let second = ${second};
    var found = Again(${first}${part} + centre${part}, second * p.scale, true);
    if (notFinite(second)) {
      let measured = momentsAgain(base, ${k}u, 0u);
      if (measured.fine) { found = measured; } else { found.variance = nanOf(second); }
    }
    mean[${to}] = found.mean; variance[${to}] = found.variance;
  }`;
    return final
      ? `mean[${to}] = ${first}${part} + centre${part}; variance[${to}] = ${second} * p.scale;`
      : `parts[s * p.outputs${width === 1 ? ' + o' : ` * ${width}u + ${to}`}] = vec2f(centre${part}, ${second});
  if (s == 0u) { mean[${to}] = ${first}${part}; }`;
  })}
}`;
}

interface MomentsMerge {
  readonly serial: boolean;
  readonly inner: boolean;
  /** Results whose squares are beyond f32 are measured again. */
  readonly walk?: MomentsWalk | undefined;
}

/** Merges the parts of a result in order: one invocation each, or a workgroup with a tree. */
export function momentsMergeCode({ serial, inner, walk }: MomentsMerge): string {
  const width = walk === undefined || inner ? 1 : walk.lanes;
  return `
${walk ? `${squaresOf}${momentsAgainCode({ ...walk, vectors: false, together: !serial })}` : ''}
struct Moments { n: f32, mean: f32, squares: f32 }
fn join(a: Moments, b: Moments) -> Moments {
  if (b.n == 0.0) { return a; }
  if (a.n == 0.0) { return b; }
  let n = a.n + b.n;
  let d = b.mean - a.mean;
  let share = b.n / n;
  return Moments(n, fma(d, share, a.mean), a.squares + b.squares + d * d * (a.n * share));
}
fn item(result: u32, s: u32) -> Moments {
  ${splitRange(inner)}
  let steps = select((end - begin + by - 1u) / by, 0u, begin >= end);
  let v = parts[s * p.results + result];
  return Moments(f32(steps * p.each), v.x, v.y);
}
${serial ? '' : `var<workgroup> joined: array<Moments, ${reduceGroup}>;`}

${entry('result', 'p.results', { together: !serial })}
  var total = Moments(0.0, 0.0, 0.0);
  for (var s = ${serial ? '0u' : 'lane'}; s < p.splits; s += ${serial ? 1 : reduceGroup}u) { total = join(total, item(result, s)); }
  ${
    serial
      ? ''
      : `joined[lane] = total;
  ${halving({ half: `${reduceGroup / 2}u`, what: 'part', join: 'joined[lane] = join(joined[lane], joined[lane + step]);' })}
  total = ${walk ? 'workgroupUniformLoad(&joined[0])' : 'joined[0]'};`
  }
  ${walk ? measured({ walk, width, serial }) : ''}
  ${serial ? '' : 'if (lane != 0u) { return; }'}
  mean[result] += total.mean;
  variance[result] = total.squares * p.scale;
}`;
}

const measured = ({ walk: { reduced }, width, serial }: { walk: MomentsWalk; width: number; serial: boolean }): string => `
  if (notFinite(total.squares)) {
    var base = 0u;
    { let o = result / ${width}u; ${outputBase(reduced)} }
    let measured = momentsAgain(base, result % ${width}u, ${serial ? '0u' : 'lane'});
    if (measured.fine) {
      ${serial ? '' : 'if (lane != 0u) { return; }'}
      mean[result] = measured.mean;
      variance[result] = measured.variance;
      return;
    }
    total.squares = nanOf(total.squares);
  }`;
