import { ceilDiv, dispatch, linearGroups, read, readWrite, rolls, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { range } from './gemm-tile.js';
import { type Conv2dProblem, conv2dFlops, conv2dOutputSize, showDtypes, weightDtype } from './problem.js';
import { fitsPair, pair, pairFunctions } from './scalar-pair.js';

const workgroupSize = 64;
/** Neighbours along the width that one invocation computes: they share the filter's loads. */
const strip = 4;

/** Whether every input channel is a group of its own (with any number of output channels). */
export const isDepthwise = (p: Conv2dProblem): boolean =>
  p.groups === p.inChannels &&
  fitsPair([p.inHeight, p.inWidth, ...conv2dOutputSize(p), p.kernelHeight, p.kernelWidth, ...p.stride, ...p.padding, ...p.dilation]);

/** Channels in vectors of four: one output channel per input channel, whole quads. */
export const depthwiseVector = (p: Conv2dProblem): boolean => p.inChannels === p.outChannels && p.inChannels % 4 === 0;

/**
 * Depthwise forward and input gradient. An invocation computes a strip of pixels of one quad of channels (of one
 * channel, where channels are odd or multiplied); invocations side by side are channels side by side, so that loads
 * coalesce. The filter is turned to [tap][output channel] first, for the same reason.
 */
export function planDepthwise(problem: Conv2dProblem, direction: 'forward' | 'gradInput', target: Target): Plan {
  const { dtype, outChannels } = problem;
  const forward = direction === 'forward';
  const vector = depthwiseVector(problem);
  const bias = forward && problem.bias;
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const [input, output] = [[problem.inHeight, problem.inWidth] as const, [outHeight, outWidth] as const];
  const result = forward ? output : input;
  const channels = forward ? outChannels : problem.inChannels;
  const lanes = channels / (vector ? 4 : 1);
  const count = problem.batch * result[0] * ceilDiv(result[1], strip) * lanes;
  const [element, biasElement] = [dtype, weightDtype(problem)].map((type) => (vector ? `vec4<${type}>` : type)) as [string, string];
  const taps = problem.kernelHeight * problem.kernelWidth;
  const multiply = dispatch(target, {
    name: `conv2d-${direction}-depthwise-${bias ? showDtypes(problem) : dtype}${vector ? '-v4' : ''}${bias ? '-bias' : ''}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings: [
      read('source', element),
      read('filters', element),
      ...(bias ? [read('bias', biasElement)] : []),
      readWrite('result', element),
    ],
    slots: { source: forward ? 'x' : 'dy', result: forward ? 'y' : 'dx' },
    // A driver that compiles for the CPU unrolls loops of constant length, for seconds.
    neverBake: rolls(target),
    scalars: {
      source: pair(forward ? input : output),
      result: pair(result),
      lanes: u32(lanes),
      multiplier: u32(outChannels / problem.inChannels),
      kernel: pair([problem.kernelHeight, problem.kernelWidth]),
      stride: pair(problem.stride),
      padding: pair(problem.padding),
      dilation: pair(problem.dilation),
      count: u32(count),
    },
    flops: conv2dFlops(problem),
    workgroups: linearGroups(ceilDiv(count, workgroupSize), target),
    code: () => depthwiseCode({ forward, vector, bias, dtype }),
  });
  return {
    variant: `conv2d-${direction}-depthwise${vector ? '-v4' : ''}`,
    temporaries: [{ slot: 'filters', bytes: outChannels * taps * (dtype === 'f16' ? 2 : 4) }],
    dispatches: [turnFilters(problem, target), multiply],
  };
}

/** [output channel][tap] to [tap][output channel]. */
function turnFilters(problem: Conv2dProblem, target: Target): Dispatch {
  const { dtype, outChannels, kernelHeight, kernelWidth } = problem;
  const taps = kernelHeight * kernelWidth;
  return dispatch(target, {
    name: `conv2d-depthwise-pack-${showDtypes(problem)}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings: [read('weight', weightDtype(problem)), readWrite('filters', dtype)],
    scalars: { elements: u32(outChannels * taps), taps: u32(taps), outChannels: u32(outChannels) },
    workgroups: linearGroups(ceilDiv(outChannels * taps, workgroupSize), target),
    code: () => `
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.elements) { return; }
  filters[i] = ${dtype}(weight[i % p.outChannels * p.taps + i / p.outChannels]);
}`,
  });
}

function depthwiseCode({ forward, vector, bias, dtype }: { forward: boolean; vector: boolean; bias: boolean; dtype: string }): string {
  const real = vector ? 'vec4f' : 'f32';
  const pixels = range(strip);
  // A vector has one output channel per input channel; a scalar finds its partner through the multiplier.
  const sourceLanes = vector ? 'p.lanes' : forward ? 'p.lanes / p.multiplier' : 'p.lanes * p.multiplier';
  const sourceLane = vector ? 'c' : forward ? 'c / p.multiplier' : 'c * p.multiplier + m';
  const filterLanes = vector || forward ? 'p.lanes' : 'p.lanes * p.multiplier';
  const filterLane = vector || forward ? 'c' : sourceLane;
  const several = !vector && !forward;
  return `${pairFunctions}
// Source position of a result coordinate under one tap; huge (and so out of range) when there is none.
fn sourceOf(at: u32, tap: u32, stride: u32, pad: u32, size: u32) -> u32 {
  ${forward ? 'return at * stride + tap - pad;' : 'let t = at + pad - tap; return select(0xffffffffu, t / stride, t < size * stride && t % stride == 0u);'}
}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.count) { return; }
  let strips = (high(p.result) + ${strip - 1}u) / ${strip}u;
  let c = i % p.lanes;
  let x0 = i / p.lanes % strips * ${strip}u;
  let y = i / (p.lanes * strips) % low(p.result);
  let n = i / (p.lanes * strips * low(p.result));
  ${pixels.map((k) => `var a${k} = ${real}();`).join(' ')}
  for (var r = 0u; r < low(p.kernel); r++) {
    let sy = sourceOf(y, r * low(p.dilation), low(p.stride), low(p.padding), low(p.source));
    if (sy >= low(p.source)) { continue; }
    let line = (n * low(p.source) + sy) * high(p.source);
    for (var s = 0u; s < high(p.kernel); s++) {
      ${pixels.map((k) => `let s${k} = sourceOf(x0 + ${k}u, s * high(p.dilation), high(p.stride), high(p.padding), high(p.source));`).join('\n      ')}
      ${several ? 'for (var m = 0u; m < p.multiplier; m++) {' : '{'}
        let w = ${real}(filters[(r * high(p.kernel) + s) * (${filterLanes}) + ${filterLane}]);
        ${pixels.map((k) => `if (s${k} < high(p.source)) { a${k} = fma(${real}(source[(line + s${k}) * (${sourceLanes}) + ${sourceLane}]), w, a${k}); }`).join('\n        ')}
      }
    }
  }
  let to = ((n * low(p.result) + y) * high(p.result) + x0) * p.lanes + c;
  ${pixels.map((k) => `if (x0 + ${k}u < high(p.result)) { result[to + ${k}u * p.lanes] = ${vector ? `vec4<${dtype}>` : dtype}(a${k}${bias ? ` + ${real}(bias[c])` : ''}); }`).join('\n  ')}
}`;
}
