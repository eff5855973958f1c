import { halving } from '../halving.wgsl.js';
import { dispatch, entry, f32, grid, read, readWrite, u32s } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { loadsAhead, runAhead } from '../run-ahead.js';
import { measureAgain, movedCode } from './again.wgsl.js';
import { type ColumnBody, columnSums } from './columns.wgsl.js';
import { type Columns, columnsOf, type NormProblem, type RowParts, recut } from './problem.js';
import { type NormKernel, type NormKey, vectorKey, vectorsOf } from './vectors.js';

export interface RunningStatistics {
  /** Weight of the new value: running = (1 − momentum) · running + momentum · batch. */
  readonly momentum: number;
}

/**
 * Mean and 1/√(variance + eps) of every group. Slots: x → mean, rstd ([segments, groups], f32); with `running` also
 * runningMean, runningVar (read-write, one segment only; the variance stored there is the unbiased one).
 *
 * A part of the rows is summed as deviations from its first row: no cancellation, whatever the mean. The parts' means
 * and sums of squares are merged pairwise (Chan, Golub, LeVeque 1979), in order.
 */
export function planNormStats(given: NormProblem, target: Target, running?: RunningStatistics): Plan {
  const problem = recut(given);
  const columns = columnsOf(problem, target);
  const partial = columnSums(momentSums(problem, columns), { problem, columns, target });
  return {
    variant: `${partial.kernel.name}-${columns.parts}parts`,
    temporaries: [{ slot: 'partials', bytes: problem.segments * columns.parts * problem.channels * 8 }],
    dispatches: [
      partial,
      mergeMoments(problem, { parts: { count: columns.parts, rows: columns.rowsPerPart }, from: 'partials', target, running }),
    ],
  };
}

/** Mean and sum of squared deviations of every part. */
export function momentSums(problem: NormProblem, columns: Columns): NormKernel<ColumnBody> {
  const key: NormKey = { ...vectorKey(problem, columns.vec), affine: false };
  return { family: 'norm-stats', key, bindings: [read('x', vectorsOf(key).element)], body: momentBody };
}

function momentBody(key: NormKey): ColumnBody {
  const v = vectorsOf(key);
  return {
    prologue: `let origin = ${v.type}(x[base + begin * p.lanes]);`,
    step: `let d = ${v.type}(x[at]) - origin; a += d; b = fma(d, d, b);`,
    // Rounding may leave a small negative number; a NaN stays, and so does the −∞ of an overflow.
    finish: `let n = f32(end - begin);
  let first = origin + a / n;
  let rest = b - a * a / n;
  let second = select(rest, ${v.type}(), (rest < ${v.type}()) & (rest > ${v.type}(-3e38)));`,
  };
}

interface Merging {
  readonly parts: RowParts;
  /** Slot of the pairs. */
  readonly from: string;
  readonly target: Target;
  readonly running?: RunningStatistics | undefined;
}

/**
 * Joins a group's parts (and channels) in order: one thread each where there are few or the driver is a CPU, else a workgroup. Where
 * squares were beyond f32 it looks at x again; halves have no such squares.
 */
export function mergeMoments(problem: NormProblem, { parts, from, target, running }: Merging): Dispatch {
  const { segments, channels, groups, rows, dtype } = problem;
  const width = channels / groups;
  const serial = target.software || parts.count * width <= 32;
  const again = dtype === 'f32';
  const bindings = [
    read('partials', 'vec2<f32>'),
    ...(again ? [{ ...read('x'), seldom: true }] : []),
    readWrite('mean'),
    readWrite('rstd'),
  ];
  return dispatch(target, {
    family: 'norm-stats-merge',
    about: `Joins the moments of parts to each group's mean and 1 / deviation: partials lie [segment][part][channel], pairs of mean and squared deviations.
Where they are few (serial) an invocation owns a group, else a workgroup of 64 whose invocations take every 64th pair, and a tree joins them.
Barriers: what is joined at a level was written before it. x is read where squares were beyond f32 only.`,
    key: {
      serial,
      running: running !== undefined,
      again,
      ahead: loadsAhead(target, serial ? parts.count * width : (parts.count * width) / 64),
    },
    slots: { partials: from },
    bindings: running ? [...bindings, readWrite('runningMean'), readWrite('runningVar')] : bindings,
    // Layers of different shapes share what a CPU driver compiles for a tenth of a second and more.
    bake: 'shared',
    scalars: {
      ...u32s({ count: segments * groups, groups, channels, width, parts: parts.count, rows, rowsPerPart: parts.rows }),
      eps: f32(problem.eps),
      momentum: f32(running?.momentum ?? 0),
    },
    workgroups: grid(segments * groups, target, { together: !serial }),
    code: mergeCode,
  });
}

interface MergeCode {
  readonly serial: boolean;
  readonly running: boolean;
  readonly again: boolean;
  /** See `loadsAhead`. */
  readonly ahead: number | undefined;
}

function mergeCode({ serial, running, again, ahead }: MergeCode): string {
  const threads = serial ? 1 : 64;
  const run = runAhead(
    {
      ...{ counter: 'k', from: serial ? '0u' : 'lane', to: 'items', step: `${threads}u` },
      load: (k, here = 'true') => `item(group, ${k}, ${here})`,
      take: (value) => `total = join(total, ${value});`,
    },
    ahead,
  );
  return `
struct Moments { n: f32, mean: f32, squares: f32 }
fn join(a: Moments, b: Moments) -> Moments {
  let n = a.n + b.n;
  let d = b.mean - a.mean;
  let share = b.n / n;
  let mean = select(fma(d, share, a.mean), b.mean, a.n == 0.0);
  let squares = select(a.squares + b.squares + d * d * a.n * share, b.squares, a.n == 0.0);
  return Moments(n, select(mean, a.mean, b.n == 0.0), select(squares, a.squares, b.n == 0.0));
}
// One without rows where there is none.
fn item(group: u32, k: u32, here: bool) -> Moments {
  let part = k / p.width;
  let at = ((group / p.groups) * p.parts + part) * p.channels + (group % p.groups) * p.width + k % p.width;
  let v = partials[at];
  return Moments(select(0.0, f32(min(p.rowsPerPart, p.rows - part * p.rowsPerPart)), here), v.x, v.y);
}
${serial ? '' : `var<workgroup> joined: array<Moments, ${threads}>;`}
${again ? measureAgain({ vec: 1, parameters: 'base: u32', count: 'p.rows * p.width', at: 'base + k / p.width * p.channels + k % p.width' }) : ''}
${running ? movedCode(1) : ''}

${entry('group', 'p.count', { together: !serial })}
  let items = p.parts * p.width;
  var total = Moments(0.0, 0.0, 0.0);
  ${run}
  ${
    serial
      ? ''
      : `joined[lane] = total;
  ${halving({ half: `${threads / 2}u`, what: 'part', join: 'joined[lane] = join(joined[lane], joined[lane + step]);' })}
  if (lane != 0u) { return; }
  total = joined[0];`
  }
  ${
    again
      ? `var unit = 1.0;
  var down = 1.0;
  let bad = notFinite(total.squares);
  if (bad) {
    let measured = measureAgain(bad, total.n, group / p.groups * p.rows * p.channels + group % p.groups * p.width);
    if (measured.fine) {
      total = Moments(total.n, measured.mean, measured.squares);
      unit = measured.unit;
      down = measured.down;
    }
  }
  let centre = total.mean * unit;
  let spread = down / sqrt(total.squares / total.n + p.eps * down * down);`
      : `let centre = total.mean;
  let spread = 1.0 / sqrt(total.squares / total.n + p.eps);`
  }
  mean[group] = centre;
  rstd[group] = spread;
  ${
    running
      ? `runningMean[group] = moved(runningMean[group], centre);
  runningVar[group] = moved(runningVar[group], total.squares / max(total.n - 1.0, 1.0)${again ? ' * unit * unit' : ''});`
      : ''
  }
}`;
}
