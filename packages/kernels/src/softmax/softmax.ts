import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';

/** Softmax along the middle of [outer, classes, inner]. */
export interface SoftmaxProblem {
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  readonly log: boolean;
}

/** Slots: x → y; the gradient: dy, y → dx. A thread a row. */
export function planSoftmax(problem: SoftmaxProblem, direction: 'forward' | 'backward', target: Target): Plan {
  const { outer, classes, inner, log } = problem;
  const forward = direction === 'forward';
  const name = `${log ? 'log-' : ''}softmax-${direction}`;
  const each = (body: string): string => `for (var k = 0u; k < p.classes; k++) { let at = base + k * p.inner; ${body} }`;
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name,
        bindings: forward ? [read('x'), readWrite('y')] : [read('dy'), read('y'), readWrite('dx')],
        scalars: { rows: u32(outer * inner), classes: u32(classes), inner: u32(inner) },
        workgroups: linearGroups(ceilDiv(outer * inner, 64), target),
        code: () => `
${mathFunctions(['exact_exp', 'exact_log', 'maxNan'])}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.rows) { return; }
  let base = (i / p.inner) * p.classes * p.inner + i % p.inner;
  var sum = 0.0;
  ${
    forward
      ? `var top = x[base];
  ${each('top = maxNan(top, x[at]);')}
  ${each('sum += exact_exp(x[at] - top);')}
  ${log ? `let shift = exact_log(sum); ${each('y[at] = x[at] - top - shift;')}` : each('y[at] = exact_exp(x[at] - top) / sum;')}`
      : log
        ? `${each('sum += dy[at];')} ${each('dx[at] = dy[at] - exact_exp(y[at]) * sum;')}`
        : `${each('sum = fma(dy[at], y[at], sum);')} ${each('dx[at] = y[at] * (dy[at] - sum);')}`
  }
}`,
      }),
    ],
  };
}
