import { f32, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type ColumnBody, columnSums } from './columns.wgsl.js';
import { type Totals, totals } from './grad-totals.wgsl.js';
import { blocks, type Columns, columnsOf, type NormProblem, normName, recut, vectorWidth } from './problem.js';
import { type RowBody, rowMap } from './rows.wgsl.js';
import { deviationUnit, type NormKernel, type NormKey, normKey, vectorKey, vectorsOf } from './vectors.js';

/**
 * Gradients of a normalisation with its own statistics. Slots: dy, x, mean, rstd, weight?, y (with an activation), addend? →
 * dx, dweight?, dbias?, dresidual?. With `fixed` statistics (evaluation) the mean and variance are constants.
 *
 * Two sums decide everything: A = Σ dy and B = Σ dy·x̂ per segment and channel, dy already masked by the activation.
 * dbias = Σ A, dweight = Σ B over segments; dx = rstd · (w·dy − (Σ w·A + x̂ · Σ w·B) / n) with the sums over a group.
 */
export function planNormGrad(given: NormProblem, target: Target, fixed = false): Plan {
  const problem = given.affine ? given : recut(given);
  const columns = columnsOf(problem, target);
  const { segments, channels, groups } = problem;
  const needSums = problem.affine || !fixed;
  const joins = needSums ? joinSums(problem, { count: columns.parts, from: 'partials', target, fixed }) : [];
  const pairs = (slot: string, count: number) => ({ slot, bytes: count * 8 });
  const joined = joins.some((d) => d.slots.includes('channelSums'));
  return {
    variant: `norm-grad-${normName(problem)}-${columns.parts}parts${fixed ? '-fixed' : ''}${target.software ? '-serial' : '-tree'}`,
    temporaries: [
      ...(needSums ? [pairs('partials', segments * columns.parts * channels)] : []),
      ...(joined ? [pairs('channelSums', segments * channels)] : []),
      ...(fixed ? [] : [pairs('groupSums', segments * groups)]),
    ],
    dispatches: [
      ...(needSums ? [columnSums(normGradSums(problem, columns), { problem, columns, target })] : []),
      ...joins,
      inputGrad(problem, target, fixed),
    ],
  };
}

interface Joining {
  /** Parts of every segment, and the slot of their pairs. */
  readonly count: number;
  readonly from: string;
  readonly target: Target;
  readonly fixed: boolean;
}

/** From the parts' sums to dweight, dbias and, unless statistics are fixed, `groupSums`: the sums divided by n. */
export function joinSums(problem: NormProblem, { count, from: given, target, fixed }: Joining): Dispatch[] {
  const { segments, channels, groups, rows, affine } = problem;
  const width = channels / groups;
  const scale = f32(1 / (rows * width));
  const weight = affine ? [read('weight')] : [];
  const parameters = [readWrite('dweight'), readWrite('dbias')];
  const groupSums = readWrite('groupSums', 'vec2<f32>');
  const parts = { from: given, outer: segments, count, inner: channels };
  // With one segment and a channel a group, what joins the parts has all that the rest needs.
  if (segments === 1 && width === 1) {
    const atOnce: Totals = {
      ...parts,
      what: 'channels',
      affine,
      fixed,
      bindings: [...(fixed ? [] : weight), ...(affine ? parameters : []), ...(fixed ? [] : [groupSums])],
      scalars: { scale },
    };
    return [totals(atOnce, target)];
  }
  const stages: Totals[] = [];
  // A single part is the sum already.
  const from = count > 1 ? 'channelSums' : given;
  if (count > 1) stages.push({ ...parts, what: 'parts', bindings: [readWrite('channelSums', 'vec2<f32>')] });
  if (affine) stages.push({ what: 'parameters', from, outer: 1, count: segments, inner: channels, bindings: parameters });
  if (!fixed)
    stages.push({
      what: 'groups',
      affine,
      from,
      outer: segments * groups,
      count: width,
      inner: 1,
      bindings: [...weight, groupSums],
      scalars: { groups: u32(groups), scale },
    });
  return stages.map((stage) => totals(stage, target));
}

/** A = Σ dy and B = Σ dy·x̂ of every part. */
export function normGradSums(problem: NormProblem, columns: Columns): NormKernel<ColumnBody> {
  const { activation } = problem;
  const key: NormKey = { ...vectorKey(problem, columns.vec), affine: false, activation };
  const v = vectorsOf(key);
  return {
    family: 'norm-grad-sums',
    key,
    bindings: [
      read('dy', v.element),
      read('x', v.element),
      v.statisticBinding('mean'),
      v.statisticBinding('rstd'),
      ...(activation ? [read('y', v.element)] : []),
    ],
    body: gradSumsBody,
  };
}

function gradSumsBody(key: NormKey): ColumnBody {
  const v = vectorsOf(key);
  return {
    prologue: `let spread = ${v.statistic('rstd')};
  ${deviationUnit(v.type, key)}
  let centre = ${v.statistic('mean')} * unit;`,
    step: `${loadGradient(key)} a += g; b = fma(g, fma(${v.type}(x[at]), unit, -centre), b);`,
    finish: `let first = a;
  let second = b * perUnit;`,
  };
}

/** `g`: the gradient behind the activation. */
function loadGradient(key: NormKey): string {
  const { activation } = key;
  const v = vectorsOf(key);
  if (!activation) return `let g = ${v.type}(dy[at]);`;
  return `var g = ${v.type}(dy[at]); let passed = ${v.type}(y[at]); ${v.masked('g', 'passed', (y) => blocks(activation, y))}`;
}

export function inputGrad(problem: NormProblem, target: Target, fixed: boolean): Dispatch {
  const { affine, activation, residual, addend } = problem;
  const key: NormKey = { ...normKey(problem, vectorWidth(problem)), fixed };
  const v = vectorsOf(key);
  return rowMap(
    {
      family: 'norm-grad-input',
      key,
      bindings: [
        read('dy', v.element),
        ...(fixed ? [] : [read('x', v.element), v.statisticBinding('mean')]),
        v.statisticBinding('rstd'),
        ...(affine ? [v.parameterBinding('weight')] : []),
        ...(activation ? [read('y', v.element)] : []),
        ...(fixed ? [] : [read('groupSums', 'vec2<f32>')]),
        ...(addend ? [read('addend', v.element)] : []),
        readWrite('dx', v.element),
        ...(residual ? [readWrite('dresidual', v.element)] : []),
      ],
      body: inputGradBody,
    },
    { problem, target },
  );
}

function inputGradBody(key: NormKey): RowBody {
  const { affine, residual, addend, fixed } = key;
  const v = vectorsOf(key);
  return {
    prologue: `let spread = ${v.statistic('rstd')};
  let scale = spread${affine ? ' * weight[c]' : ''};
  ${
    fixed
      ? ''
      : `${deviationUnit(v.type, key)}
  let centre = ${v.statistic('mean')} * unit;
  let level = -spread * ${v.pair('groupSums', 'x')};
  let slope = -spread * perUnit * ${v.pair('groupSums', 'y')};`
  }`,
    step: `${loadGradient(key)}
    ${residual ? `dresidual[at] = ${v.element}(g);` : ''}
    dx[at] = ${v.element}(${fixed ? 'g * scale' : `fma(g, scale, fma(fma(${v.type}(x[at]), unit, -centre), slope, level))`}${addend ? ` + ${v.type}(addend[at])` : ''});`,
  };
}
