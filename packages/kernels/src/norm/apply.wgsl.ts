import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { activate, type NormProblem, normName } from './problem.js';

/**
 * y = activation((x − mean) · rstd · weight + bias + residual). Slots: x, mean, rstd, weight?, bias?, residual? → y.
 * A thread computes four neighbouring channels when they lie in one group or each is a group of its own, else one.
 */
export function planNormApply(problem: NormProblem, target: Target): Plan {
  const { dtype, affine, activation, residual } = problem;
  const width = problem.channels / problem.groups;
  const lanes = problem.channels % 4 === 0 && (width % 4 === 0 || width === 1) ? 4 : 1;
  const element = lanes === 4 ? `vec4<${dtype}>` : dtype;
  const statistic = lanes === 4 && width === 1 ? 'vec4<f32>' : 'f32';
  const parameter = lanes === 4 ? 'vec4<f32>' : 'f32';
  const vector = lanes === 4 ? 'vec4f' : 'f32';
  const count = (problem.segments * problem.rows * problem.channels) / lanes;
  const parts = lanes === 4 ? ['.x', '.y', '.z', '.w'] : [''];
  const name = `norm-apply-${normName(problem)}-v${lanes}${statistic === 'vec4<f32>' ? '-each' : ''}`;
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name,
        enables: dtype === 'f16' ? ['f16'] : [],
        bindings: [
          read('x', element),
          read('mean', statistic),
          read('rstd', statistic),
          ...(affine ? [read('weight', parameter), read('bias', parameter)] : []),
          ...(residual ? [read('residual', element)] : []),
          readWrite('y', element),
        ],
        scalars: {
          count: u32(count),
          channels: u32(problem.channels / lanes),
          perSegment: u32((problem.rows * problem.channels) / lanes),
          groups: u32(statistic === 'vec4<f32>' ? problem.groups / 4 : problem.groups),
          width: u32(statistic === 'vec4<f32>' ? 1 : width / lanes || 1),
        },
        workgroups: linearGroups(ceilDiv(count, 64), target),
        code: () => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let c = i % p.channels;
  let s = (i / p.perSegment) * p.groups + c / p.width;
  var v = (${vector}(x[i]) - mean[s]) * rstd[s]${affine ? ' * weight[c] + bias[c]' : ''}${residual ? ` + ${vector}(residual[i])` : ''};
  ${activation ? parts.map((part) => `v${part} = ${activate(activation, `v${part}`)};`).join(' ') : ''}
  y[i] = ${element}(v);
}`,
      }),
    ],
  };
}
