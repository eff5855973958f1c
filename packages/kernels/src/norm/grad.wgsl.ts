import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type NormProblem, normName, partsOf, passes } from './problem.js';

/**
 * Gradients of a normalisation with its own statistics. Slots: dy, x, mean, rstd, weight?, y (with an activation) →
 * dx, dweight?, dbias?, dresidual?. With `fixed` statistics (evaluation) the mean and variance are constants.
 *
 * Two sums decide everything: A = Σ dy and B = Σ dy·x̂ per segment and channel, dy already masked by the activation.
 * dbias = Σ A, dweight = Σ B over segments; dx = rstd · (w·dy − (Σ w·A + x̂ · Σ w·B) / n) with the sums over a group.
 */
export function planNormGrad(problem: NormProblem, target: Target, fixed = false): Plan {
  const { parts, rowsPerPart } = partsOf(problem, target);
  const { segments, channels, groups } = problem;
  const sums = segments * parts * channels;
  const dispatches: Dispatch[] = [];
  const needSums = problem.affine || !fixed;
  if (needSums) dispatches.push(partialSums(problem, parts, rowsPerPart, target), joinParts(problem, parts, target));
  if (problem.affine) dispatches.push(parameterGrads(problem, target));
  if (!fixed) dispatches.push(groupSums(problem, target));
  dispatches.push(inputGrad(problem, target, fixed));
  return {
    variant: `norm-grad-${parts}parts${fixed ? '-fixed' : ''}`,
    temporaries: needSums
      ? [
          { slot: 'partials', bytes: sums * 8 },
          { slot: 'sums', bytes: segments * channels * 8 },
          { slot: 'groupSums', bytes: segments * groups * 8 },
        ]
      : [],
    dispatches,
  };
}

const entry = `@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }`;

function partialSums(problem: NormProblem, parts: number, rowsPerPart: number, target: Target): Dispatch {
  const { dtype, activation, segments, channels, groups } = problem;
  const count = segments * parts * channels;
  return dispatch(target, {
    name: `norm-grad-partial-${dtype}${activation ? `-${activation}` : ''}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings: [read('dy', dtype), read('x', dtype), read('mean'), read('rstd'), ...(activation ? [read('y', dtype)] : []), readWrite('partials', 'vec2<f32>')],
    scalars: { rows: u32(problem.rows), channels: u32(channels), parts: u32(parts), rowsPerPart: u32(rowsPerPart), groups: u32(groups), width: u32(channels / groups), count: u32(count) },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: () => `
${entry}
  let c = i % p.channels;
  let part = (i / p.channels) % p.parts;
  let segment = i / (p.channels * p.parts);
  let begin = part * p.rowsPerPart;
  let end = min(begin + p.rowsPerPart, p.rows);
  let base = segment * p.rows * p.channels + c;
  let group = segment * p.groups + c / p.width;
  let centre = mean[group];
  var a = 0.0;
  var b = 0.0;
  for (var row = begin; row < end; row++) {
    let at = base + row * p.channels;
    let g = ${activation ? `select(0.0, f32(dy[at]), ${passes(activation, 'f32(y[at])')})` : 'f32(dy[at])'};
    a += g;
    b = fma(g, f32(x[at]) - centre, b);
  }
  partials[i] = vec2f(a, b * rstd[group]);
}`,
  });
}

/** Adds the parts of one segment's channel, in order. */
function joinParts(problem: NormProblem, parts: number, target: Target): Dispatch {
  const count = problem.segments * problem.channels;
  return dispatch(target, {
    name: 'norm-grad-join',
    bindings: [read('partials', 'vec2<f32>'), readWrite('sums', 'vec2<f32>')],
    scalars: { channels: u32(problem.channels), parts: u32(parts), count: u32(count) },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: () => `
${entry}
  let base = (i / p.channels) * p.parts * p.channels + i % p.channels;
  var total = vec2f();
  for (var part = 0u; part < p.parts; part++) { total += partials[base + part * p.channels]; }
  sums[i] = total;
}`,
  });
}

/** dweight and dbias: the sums over all segments. */
function parameterGrads(problem: NormProblem, target: Target): Dispatch {
  return dispatch(target, {
    name: 'norm-grad-parameters',
    bindings: [read('sums', 'vec2<f32>'), readWrite('dweight'), readWrite('dbias')],
    scalars: { segments: u32(problem.segments), count: u32(problem.channels) },
    workgroups: linearGroups(ceilDiv(problem.channels, 64), target),
    code: () => `
${entry}
  var total = vec2f();
  for (var segment = 0u; segment < p.segments; segment++) { total += sums[segment * p.count + i]; }
  dbias[i] = total.x;
  dweight[i] = total.y;
}`,
  });
}

/** The weighted sums of a group, already divided by its number of elements. */
function groupSums(problem: NormProblem, target: Target): Dispatch {
  const { affine, segments, groups, channels, rows } = problem;
  const width = channels / groups;
  return dispatch(target, {
    name: `norm-grad-groups${affine ? '-affine' : ''}`,
    bindings: [read('sums', 'vec2<f32>'), ...(affine ? [read('weight')] : []), readWrite('groupSums', 'vec2<f32>')],
    scalars: { count: u32(segments * groups), groups: u32(groups), width: u32(width), channels: u32(channels), scale: f32(1 / (rows * width)) },
    workgroups: linearGroups(ceilDiv(segments * groups, 64), target),
    code: () => `
${entry}
  let first = (i % p.groups) * p.width;
  var total = vec2f();
  for (var c = first; c < first + p.width; c++) { total += sums[(i / p.groups) * p.channels + c]${affine ? ' * weight[c]' : ''}; }
  groupSums[i] = total * p.scale;
}`,
  });
}

function inputGrad(problem: NormProblem, target: Target, fixed: boolean): Dispatch {
  const { dtype, affine, activation, residual, channels, groups, segments, rows } = problem;
  const width = channels / groups;
  const count = segments * rows * channels;
  return dispatch(target, {
    name: `norm-grad-input-${normName(problem)}${fixed ? '-fixed' : ''}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings: [
      read('dy', dtype),
      ...(fixed ? [] : [read('x', dtype), read('mean')]),
      read('rstd'),
      ...(affine ? [read('weight')] : []),
      ...(activation ? [read('y', dtype)] : []),
      ...(fixed ? [] : [read('groupSums', 'vec2<f32>')]),
      readWrite('dx', dtype),
      ...(residual ? [readWrite('dresidual', dtype)] : []),
    ],
    scalars: { count: u32(count), channels: u32(channels), perSegment: u32(rows * channels), groups: u32(groups), width: u32(width) },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: () => `
${entry}
  let c = i % p.channels;
  let group = (i / p.perSegment) * p.groups + c / p.width;
  let g = ${activation ? `select(0.0, f32(dy[i]), ${passes(activation, 'f32(y[i])')})` : 'f32(dy[i])'};
  ${residual ? `dresidual[i] = ${dtype}(g);` : ''}
  let weighted = g${affine ? ' * weight[c]' : ''};
  ${
    fixed
      ? `dx[i] = ${dtype}(weighted * rstd[group]);`
      : `let normalised = (f32(x[i]) - mean[group]) * rstd[group];
  let s = groupSums[group];
  dx[i] = ${dtype}(rstd[group] * (weighted - s.x - normalised * s.y));`
  }
}`,
  });
}
