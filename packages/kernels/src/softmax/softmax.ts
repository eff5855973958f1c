import { planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { rowTeam, teamCode } from '../reduce/row-team.js';

/** Softmax along the middle of [outer, classes, inner]. */
export interface SoftmaxProblem {
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  readonly log: boolean;
}

/** Slots: x → y; the gradient: dy, y → dx. f32. */
export function planSoftmax(problem: SoftmaxProblem, direction: 'forward' | 'backward', target: Target): Plan {
  const { outer, classes, inner, log } = problem;
  const forward = direction === 'forward';
  const team = rowTeam({ rows: outer * inner, length: classes }, target);
  return planSingle(`${log ? 'log-' : ''}softmax-${direction}${team.together ? '-team' : ''}`, target, {
    family: 'softmax',
    about: `x lies [outer][class][inner]; a row is one outer and inner. A row belongs to one invocation, or together to a workgroup whose invocations
take every n-th class, and a tree joins them. Barriers: what is joined at a level was written before it, and read before it is overwritten.`,
    key: { log, forward, together: team.together },
    bindings: forward ? [read('x'), readWrite('y')] : [read('dy'), read('y'), readWrite('dx')],
    bake: 'shared',
    scalars: u32s({ rows: outer * inner, length: classes, inner }),
    workgroups: team.workgroups,
    code: ({ log, forward, together }) => {
      const team = teamCode(together);
      const each = (body: string): string => team.each(`let at = base + k * p.inner; ${body}`);
      return `
${mathFunctions(['exact_exp', 'exact_log', 'maxNan'])}
${team.functions(forward ? ['sum', 'max'] : ['sum'])}
${team.entry}
  let base = (row / p.inner) * p.length * p.inner + row % p.inner;
  var sum = 0.0;
  ${
    forward
      ? `// The first element stands in where a lane has none.
  var top = x[base];
  ${each('top = maxNan(top, x[at]);')}
  top = maxAll(lane, top);
  ${each('sum += exact_exp(x[at] - top);')}
  sum = sumAll(lane, sum);
  ${log ? `let shift = exact_log(sum); ${each('y[at] = x[at] - top - shift;')}` : each('y[at] = exact_exp(x[at] - top) / sum;')}`
      : log
        ? `${each('sum += dy[at];')} sum = sumAll(lane, sum); ${each('dx[at] = dy[at] - exact_exp(y[at]) * sum;')}`
        : `${each('sum = fma(dy[at], y[at], sum);')} sum = sumAll(lane, sum); ${each('dx[at] = y[at] * (dy[at] - sum);')}`
  }
}`;
    },
  });
}
