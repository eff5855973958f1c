import { halving } from '../halving.wgsl.js';
import { type BindingSpec, ceilDiv, dispatch, f32, mainOf, read, readWrite, type Scalars, single, u32, u32s } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { loadsAhead, runAhead } from '../run-ahead.js';
import { measureAgain, movedCode } from './again.wgsl.js';
import { normalise, planNormApply } from './apply.wgsl.js';
import { inputGrad, joinSums } from './grad.wgsl.js';
import type { NormProblem, RowParts } from './problem.js';
import type { RowBody } from './rows.wgsl.js';
import { momentShares, sumShares } from './shares.wgsl.js';
import { mergeMoments, type RunningStatistics } from './stats.wgsl.js';
import { deviationUnit, type NormKernel, type NormKey, normKey, vectorsOf } from './vectors.js';

const threads = 256;
/** About two workgroups for each of a large GPU's multiprocessors: every one of them joins all parts by itself. */
const workgroups = 264;
/** More pairs than this are joined by a dispatch of their own: 128 KiB a workgroup would cost more than it saves. */
const mostPairs = 16384;

/** Whether a workgroup can join the sums of a batch norm by itself before it goes on with its rows, which takes `bindings`. */
const joinsInline = (
  { segments, groups, channels }: NormProblem,
  { parts, target, bindings }: { parts: RowParts; target: Target; bindings: readonly BindingSpec[] },
): boolean =>
  !target.software &&
  bindings.length <= target.maxStorageBuffers &&
  segments === 1 &&
  groups === channels &&
  channels % 4 === 0 &&
  channels <= threads * 4 &&
  parts.count * channels <= mostPairs;

/** What the product left: pairs [part][channel]. */
const sums = read('sums', 'vec4<f32>');

/**
 * A normalisation whose input came with its moments: slots x, sums, weight?, bias?, residual? → y, mean, rstd (and
 * runningMean, runningVar). One dispatch where every workgroup can join the parts, else the join comes first.
 */
export function planNormJoined(
  problem: NormProblem,
  { parts, target, running }: { parts: RowParts; target: Target; running?: RunningStatistics | undefined },
): Plan {
  const { affine, residual } = problem;
  const key: NormKey = { ...normKey(problem, 4), running: running !== undefined };
  const v = vectorsOf(key);
  const bindings = [
    sums,
    read('x', v.element),
    ...(affine ? [v.parameterBinding('weight'), v.parameterBinding('bias')] : []),
    ...(residual ? [read('residual', v.element)] : []),
    readWrite('y', v.element),
    readWrite('mean', 'vec4<f32>'),
    readWrite('rstd', 'vec4<f32>'),
    ...(running ? [readWrite('runningMean', 'vec4<f32>'), readWrite('runningVar', 'vec4<f32>')] : []),
  ];
  if (!joinsInline(problem, { parts, target, bindings })) {
    const apply = planNormApply(problem, target);
    const merge = mergeMoments(problem, { parts, from: 'sums', target, running });
    return { variant: `${apply.variant} after a merge`, temporaries: [], dispatches: [merge, ...apply.dispatches] };
  }
  return single(
    joinedRows(
      {
        family: 'norm-joined',
        key,
        bindings,
        scalars: { partRows: u32(parts.rows), eps: f32(problem.eps), momentum: f32(running?.momentum ?? 0) },
        body: joinedBody,
      },
      { problem, parts, target },
    ),
  );
}

function joinedBody(key: NormKey): JoinedBody {
  const { running } = key;
  const apply = normalise(key, 'level');
  // Halves have no squares beyond f32.
  const again = key.dtype === 'f32';
  return {
    shares: `${momentShares}${again ? measureAgain({ vec: 4, parameters: 'c: u32', count: 'p.rows', at: 'k * lanes + c' }) : ''}${running ? movedCode(4) : ''}`,
    item: 'Share(vec4f(low.xz, high.xz), vec4f(low.yw, high.yw), select(0.0, f32(min(p.partRows, p.rows - part * p.partRows)), here))',
    prologue: `${
      again
        ? `var scaled = vec4f(1.0);
  var down = vec4f(1.0);
  let bad = notFinite(total.second);
  if (any(bad)) {
    let measured = measureAgain(bad, total.n, c);
    total.first = select(total.first, measured.mean, measured.fine);
    total.second = select(total.second, measured.squares, measured.fine);
    scaled = measured.unit;
    down = measured.down;
  }
  let level = total.first * scaled;
  let spread = down / sqrt(total.second / total.n + p.eps * down * down);`
        : `let level = total.first;
  let spread = 1.0 / sqrt(total.second / total.n + p.eps);`
    }
  if (wid.x == 0u && walker == 0u) {
    mean[c] = level;
    rstd[c] = spread;
    ${
      running
        ? `runningMean[c] = moved(runningMean[c], level);
    runningVar[c] = moved(runningVar[c], total.second / max(total.n - 1.0, 1.0)${again ? ' * scaled * scaled' : ''});`
        : ''
    }
  }
  ${apply.prologue}`,
    step: apply.step,
  };
}

/**
 * The gradient of a batch norm whose incoming gradient came with its sums: slots sums, dy, x, mean, rstd, weight?, addend? →
 * dx, dweight?, dbias?.
 */
export function planNormGradJoined(problem: NormProblem, { parts, target }: { parts: RowParts; target: Target }): Plan {
  const { channels, affine, rows, addend } = problem;
  const key = normKey(problem, 4);
  const v = vectorsOf(key);
  const bindings = [
    sums,
    read('dy', v.element),
    read('x', v.element),
    v.statisticBinding('mean'),
    v.statisticBinding('rstd'),
    ...(affine ? [v.parameterBinding('weight'), readWrite('dweight', 'vec4<f32>'), readWrite('dbias', 'vec4<f32>')] : []),
    ...(addend ? [read('addend', v.element)] : []),
    readWrite('dx', v.element),
  ];
  if (!joinsInline(problem, { parts, target, bindings })) {
    const joins = joinSums(problem, { count: parts.count, from: 'sums', target, fixed: false });
    const rest = inputGrad(problem, target, false);
    return {
      variant: `${rest.kernel.name} after a join`,
      temporaries: [{ slot: 'groupSums', bytes: channels * 8 }],
      dispatches: [...joins, rest],
    };
  }
  return single(
    joinedRows(
      {
        family: 'norm-grad-joined',
        key,
        bindings,
        scalars: { scale: f32(1 / rows) },
        body: gradJoinedBody,
      },
      { problem, parts, target },
    ),
  );
}

function gradJoinedBody(key: NormKey): JoinedBody {
  const { affine, addend } = key;
  const v = vectorsOf(key);
  return {
    shares: sumShares,
    item: 'Share(select(vec4f(), vec4f(low.xz, high.xz), here), select(vec4f(), vec4f(low.yw, high.yw), here))',
    prologue: `${
      affine
        ? `if (wid.x == 0u && walker == 0u) {
    dbias[c] = total.first;
    dweight[c] = total.second;
  }`
        : ''
    }
  let spread = rstd[c];
  ${deviationUnit('vec4f', key)}
  let centre = mean[c] * unit;
  let scale = spread${affine ? ' * weight[c]' : ''};
  let level = -scale * p.scale * total.first;
  let slope = -scale * perUnit * p.scale * total.second;`,
    step: `dx[at] = ${v.element}(fma(vec4f(dy[at]), scale, fma(fma(vec4f(x[at]), unit, -centre), slope, level))${addend ? ' + vec4f(addend[at])' : ''});`,
  };
}

/** The prologue makes what belongs to the channels of `total`. */
interface JoinedBody extends RowBody {
  /** `Share` and how two are joined. */
  readonly shares: string;
  /** A part's share, from its pairs `low` and `high` (two channels each); an empty one if not `here`. */
  readonly item: string;
}

interface JoinedRows extends NormKernel<JoinedBody> {
  readonly scalars: Scalars;
}

/**
 * Every workgroup joins the parts of all channels: a thread takes one quad of channels and every few parts, and a tree in
 * workgroup memory joins the threads of a quad, in an order that is the same everywhere. Then threads walk over rows.
 */
function joinedRows(o: JoinedRows, { problem, parts, target }: { problem: NormProblem; parts: RowParts; target: Target }): Dispatch {
  const { rows, channels } = problem;
  const lanes = channels / 4;
  const walkers = 2 ** Math.floor(Math.log2(threads / lanes));
  return dispatch(target, {
    family: o.family,
    key: { ...o.key, lanes, walkers, ahead: loadsAhead(target, parts.count / walkers) },
    about: `A pass over all elements that first joins the sums which a product left: sums lie [part][channel], pairs; x and y [row][channel].
Every workgroup joins all parts by itself: an invocation takes one quad of channels (of lanes) and every walkers-th part, a tree in workgroup memory joins them
(a barrier before each level: what is joined was written by others; one after the last: all read the totals). Then invocations walk over rows.`,
    bindings: o.bindings,
    bake: 'shared',
    scalars: { ...u32s({ rows, parts: parts.count }), ...o.scalars },
    workgroups: [Math.min(workgroups, ceilDiv(rows, walkers)), 1, 1],
    code: (key) => {
      const body = o.body(key);
      const run = runAhead(
        {
          ...{ counter: 'part', from: 'walker', to: 'p.parts', step: 'walkers' },
          load: (part, here = 'true') => `shareOf(${part}, c, ${here})`,
          take: (share) => `mine = joinShares(mine, ${share});`,
        },
        key.ahead,
      );
      return `
const lanes = ${key.lanes}u;
const walkers = ${key.walkers}u;
${body.shares}
fn shareOf(part: u32, c: u32, here: bool) -> Share {
  let low = sums[(part * lanes + c) * 2u];
  let high = sums[(part * lanes + c) * 2u + 1u];
  return ${body.item};
}
var<workgroup> shares: array<Share, ${threads}>;

${mainOf(threads)}
  let c = lane % lanes;
  let walker = lane / lanes;
  var mine = emptyShare();
  if (walker < walkers) {
    ${run}
  }
  shares[lane] = mine;
  ${halving({ half: 'walkers / 2u', what: 'share', place: 'walker', join: 'shares[lane] = joinShares(shares[lane], shares[lane + step * lanes]);' })}
  // The totals are complete before anyone reads them.
  workgroupBarrier();
  if (walker >= walkers) { return; }
  var total = shares[c];
  ${body.prologue}
  for (var row = wid.x * walkers + walker; row < p.rows; row += nwg.x * walkers) {
    let at = row * lanes + c;
    ${body.step}
  }
}`;
    },
  });
}
