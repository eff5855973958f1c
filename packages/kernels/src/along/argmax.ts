import { halving } from '../halving.wgsl.js';
import { entry, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { DType, Plan, Target } from '../plan.js';
import type { Lines } from './lines.js';

export interface ArgmaxProblem extends Lines {
  /** The place of the smallest instead. */
  readonly smallest: boolean;
  readonly dtype: DType;
}

const width = 256;

/**
 * Where the largest (or smallest) of each line stands, of equals the first; a NaN counts as the largest and as the smallest. Slots:
 * x → y (i32). One invocation a line where lines are short or the driver runs on a CPU; else a workgroup a line.
 */
export function planArgmax({ outer, length, inner, smallest, dtype }: ArgmaxProblem, target: Target): Plan {
  const lines = outer * inner;
  const joint = !target.software && length > width;
  return planSingle(joint ? 'argmax-joint' : 'argmax', target, {
    family: 'argmax',
    about: `x lies [outer][length][inner], y [outer][inner]. A line belongs to one invocation, or to a workgroup (joint) whose invocations each take every 256th element.
Barriers: the candidates of a round of halving were written before they are compared.`,
    key: { dtype, smallest, joint },
    bindings: [read('x', dtype), readWrite('y', 'i32')],
    scalars: u32s({ count: lines, length, inner }),
    bake: 'shared',
    workgroups: grid(lines, target, { together: joint }),
    code: ({ dtype, smallest, joint }) => {
      const type = dtype === 'f16' ? 'f32' : dtype;
      const nan = type === 'f32' ? '(bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u' : 'false';
      const helpers = `
fn isNan(v: ${type}) -> bool { return ${nan}; }
fn beats(v: ${type}, top: ${type}) -> bool { return !isNan(top) && (isNan(v) || v ${smallest ? '<' : '>'} top); }`;
      const walk = (begin: string, step: string): string => `
  let base = line / p.inner * p.length * p.inner + line % p.inner;
  var best = ${begin};
  var top = ${type}(x[base + best * p.inner]);
  for (var k = best + ${step}; k < p.length; k += ${step}) {
    let v = ${type}(x[base + k * p.inner]);
    if (beats(v, top)) {
      top = v;
      best = k;
    }
  }`;
      return joint
        ? `${helpers}
var<workgroup> tops: array<${type}, ${width}>;
var<workgroup> places: array<u32, ${width}>;
${entry('line', 'p.count', { together: true, threads: width })}${walk('lane', `${width}u`)}
  tops[lane] = top;
  places[lane] = best;
  ${halving({
    half: `${width / 2}u`,
    what: 'candidate',
    // Neither beats the other: of equals the first.
    join: `let other = tops[lane + step]; let at = places[lane + step];
      if (beats(other, tops[lane]) || (!beats(tops[lane], other) && at < places[lane])) { tops[lane] = other; places[lane] = at; }`,
  })}
  if (lane == 0u) { y[line] = i32(places[0]); }
}`
        : `${helpers}
${entry('line', 'p.count')}${walk('0u', '1u')}
  y[line] = i32(best);
}`;
    },
  });
}
