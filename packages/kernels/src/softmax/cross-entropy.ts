import { entry, f32, grid, i32, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { rowTeam, teamCode } from '../reduce/row-team.js';

export interface CrossEntropyProblem {
  readonly rows: number;
  readonly classes: number;
  /** Share of the target spread evenly over all classes. */
  readonly labelSmoothing: number;
  /** Type of the logits; losses and gradients' sums are f32. */
  readonly dtype: 'f32' | 'f16';
  /** What a row's target is: a class (i32, the default), or a probability of every class (f32). */
  readonly target?: 'class' | 'probabilities' | undefined;
  /** Each class counts by a weight of its own. */
  readonly weighted?: boolean | undefined;
  /** Rows with this class have neither loss nor gradient; default −100. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * Cross entropy of each row. Slots: logits, target, weight? (f32, a number a class) → loss, stats; backward: g, logits, target, stats,
 * weight? → dlogits. `stats` holds each row's maximum and log Σ exp(x − maximum), apart, so that huge logits keep their digits; with
 * weights or probabilities it holds four numbers (`statsWidth`), the third the sum of what is wanted of all classes. A class outside
 * 0 … classes − 1 gives NaN.
 */
export function planCrossEntropy(problem: CrossEntropyProblem, direction: 'forward' | 'backward', target: Target): Plan {
  return direction === 'forward' ? planForward(problem, target) : planBackward(problem, target);
}

const isGeneral = ({ target, weighted = false }: Pick<CrossEntropyProblem, 'target' | 'weighted'>): boolean =>
  weighted || target === 'probabilities';
/** Numbers that `stats` holds for a row. */
export const statsWidth = (problem: CrossEntropyProblem): 2 | 4 => (isGeneral(problem) ? 4 : 2);

const kindOf = ({ target = 'class', weighted = false, dtype }: CrossEntropyProblem): string =>
  `${dtype}${target === 'class' ? '' : `-${target}`}${weighted ? '-weighted' : ''}`;
/** What the code depends on. */
const kindKey = ({ target = 'class', weighted = false, dtype }: CrossEntropyProblem) => ({ dtype, target, weighted });
const operands = ({ target = 'class', weighted = false }: CrossEntropyProblem) => ({
  target: read('target_', target === 'class' ? 'i32' : 'f32'),
  weight: weighted ? [read('weight')] : [],
});
const scalarsOf = ({ labelSmoothing, ignoreIndex = -100 }: CrossEntropyProblem) => ({
  smoothing: f32(labelSmoothing),
  ignored: i32(ignoreIndex),
});
/** What the loss wants of class `k` (element `at`), times its weight: the target, smoothed. `t` is the row's class. */
const wantedOf = ({ target, weighted }: Pick<CrossEntropyProblem, 'target' | 'weighted'>, length: string): string =>
  `(${target !== 'probabilities' ? 'select(0.0, 1.0 - p.smoothing, t == k)' : '(1.0 - p.smoothing) * target_[at]'} + p.smoothing / f32(p.${length}))${weighted ? ' * weight[k]' : ''}`;

function planForward(problem: CrossEntropyProblem, target: Target): Plan {
  const { rows, classes, dtype } = problem;
  const team = rowTeam({ rows, length: classes }, target);
  const given = operands(problem);
  return planSingle(`cross-entropy-forward-${kindOf(problem)}${team.together ? '-team' : ''}`, target, {
    family: 'cross-entropy-forward',
    about: `logits lie [row][class]; stats keep what the gradient needs of a row. A row belongs to one invocation, or together to a workgroup
whose invocations take every n-th class, and a tree joins them. Barriers: what is joined at a level was written before it, and read before it is overwritten.`,
    key: { ...kindKey(problem), together: team.together },
    bindings: [
      read('logits', dtype),
      given.target,
      ...given.weight,
      readWrite('loss'),
      readWrite('stats', `vec${statsWidth(problem)}<f32>`),
    ],
    slots: { target_: 'target' },
    bake: 'shared',
    scalars: { ...u32s({ rows, length: classes }), ...scalarsOf(problem) },
    workgroups: team.workgroups,
    code: forwardCode,
  });
}

function forwardCode(key: ReturnType<typeof kindKey> & { readonly together: boolean }): string {
  const team = teamCode(key.together);
  const [general, classed] = [isGeneral(key), key.target !== 'probabilities'];
  const ignore = `if (target_[row] == p.ignored) { loss[row] = 0.0; return; }`;
  return `
${mathFunctions(['exact_exp', 'exact_log', 'maxNan', 'nanOf'])}
${team.functions(['sum', 'max'])}
${team.entry}
  let base = row * p.length;
  // The first element stands in where a lane has none.
  var top = f32(logits[base]);
  ${team.each('top = maxNan(top, f32(logits[base + k]));')}
  top = maxAll(lane, top);
  var sum = 0.0;
  var total = 0.0;
  ${
    general
      ? `${team.each('sum += exact_exp(f32(logits[base + k]) - top);')}
  sum = sumAll(lane, sum);
  let shift = exact_log(sum);
  ${classed ? 'let t = u32(target_[row]);' : ''}
  var value = 0.0;
  // A class of which nothing is wanted costs nothing, also where a logit of −∞ rules it out.
  ${team.each(`let at = base + k; let wanted = ${wantedOf(key, 'length')}; total += wanted; if (!(wanted == 0.0)) { value += wanted * (shift - (f32(logits[at]) - top)); }`)}
  value = sumAll(lane, value);
  total = sumAll(lane, total);
  if (lane > 0u) { return; }
  stats[row] = vec4f(top, shift, total, 0.0);
  ${
    classed
      ? `${ignore}
  if (t >= p.length) { loss[row] = nanOf(top); return; }`
      : ''
  }
  loss[row] = value;`
      : `${team.each('let d = f32(logits[base + k]) - top; sum += exact_exp(d); total += d;')}
  sum = sumAll(lane, sum);
  total = sumAll(lane, total);
  if (lane > 0u) { return; }
  let shift = exact_log(sum);
  stats[row] = vec2f(top, shift);
  ${ignore}
  let t = u32(target_[row]);
  if (t >= p.length) { loss[row] = nanOf(top); return; }
  let chosen = f32(logits[base + t]) - top;
  var value = shift - (1.0 - p.smoothing) * chosen;
  // Not without smoothing: a class ruled out by a logit of −∞ would make 0 · ∞ of it.
  if (p.smoothing > 0.0) { value -= p.smoothing * total / f32(p.length); }
  loss[row] = value;`
  }
}`;
}

function planBackward(problem: CrossEntropyProblem, target: Target): Plan {
  const { rows, classes, dtype } = problem;
  const count = rows * classes;
  const given = operands(problem);
  return planSingle(`cross-entropy-backward-${kindOf(problem)}`, target, {
    family: 'cross-entropy-backward',
    about: 'logits and dlogits lie [row][class]. An invocation owns one element. No barriers.',
    key: kindKey(problem),
    bindings: [
      read('g'),
      read('logits', dtype),
      given.target,
      read('stats', `vec${statsWidth(problem)}<f32>`),
      ...given.weight,
      readWrite('dlogits', dtype),
    ],
    slots: { target_: 'target' },
    bake: 'shared',
    scalars: { ...u32s({ count, classes }), ...scalarsOf(problem) },
    workgroups: grid(count, target),
    code: (key) => {
      const [general, classed] = [isGeneral(key), key.target !== 'probabilities'];
      return `
${mathFunctions(['exact_exp', 'nanOf'])}
${entry('i', 'p.count')}
  let row = i / p.classes;
  let s = stats[row];
  let probability = exact_exp(f32(logits[i]) - s.x - s.y);
  ${classed ? 'let t = u32(target_[row]);' : ''}
  ${
    general
      ? `let k = i % p.classes;
  let at = i;
  let wanted = ${wantedOf(key, 'classes')};
  var d = g[row] * (probability * s.z - wanted);`
      : `let wanted = select(0.0, 1.0 - p.smoothing, t == i % p.classes) + p.smoothing / f32(p.classes);
  var d = g[row] * (probability - wanted);`
  }
  ${
    classed
      ? `if (t >= p.classes) { d = nanOf(s.x); }
  if (target_[row] == p.ignored) { d = 0.0; }`
      : ''
  }
  dlogits[i] = ${key.dtype}(d);
}`;
    },
  });
}
