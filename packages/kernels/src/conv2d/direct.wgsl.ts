import { ceilDiv, dispatch, linearGroups, read, readWrite, type Scalars, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize, gradWeightSplits } from './problem.js';

const workgroupSize = 64;

/**
 * Plain convolution: one thread an output element, loops over taps and channels. Any stride, padding, dilation, groups.
 * The reference every other family is checked against, and the depthwise kernel: threads side by side are channels
 * side by side, so its loads are contiguous. The weight gradient cuts the pixels into fixed parts that a second pass
 * adds in order.
 */
export function planDirect(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Plan {
  const variant = `conv2d-${direction}-direct`;
  if (direction === 'gradWeight') return planGradWeight(problem, variant, target);
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const { dtype, bias } = problem;
  const forward = direction === 'forward';
  const count = forward
    ? problem.batch * outHeight * outWidth * problem.outChannels
    : problem.batch * problem.inHeight * problem.inWidth * problem.inChannels;
  const hasBias = forward && bias;
  const bindings = forward
    ? [read('x', dtype), read('weight', dtype), ...(hasBias ? [read('bias', dtype)] : []), readWrite('y', dtype)]
    : [read('dy', dtype), read('weight', dtype), readWrite('dx', dtype)];
  const made = dispatch(target, {
    name: `${variant}-${dtype}${hasBias ? '-bias' : ''}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings,
    constants: sizes(problem),
    workgroups: linearGroups(ceilDiv(count, workgroupSize), target),
    code: () => `
${entry}
  if (i >= ${count}u) { return; }
  ${forward ? forwardBody(dtype, hasBias) : gradInputBody(dtype)}
}`,
  });
  return { variant, temporaries: [], dispatches: [made] };
}

/** All sizes as constants named as in the problem. */
export function sizes(p: Conv2dProblem): Scalars {
  const [outHeight, outWidth] = conv2dOutputSize(p);
  const numbers = {
    inChannels: p.inChannels,
    inHeight: p.inHeight,
    inWidth: p.inWidth,
    outChannels: p.outChannels,
    outHeight,
    outWidth,
    kernelHeight: p.kernelHeight,
    kernelWidth: p.kernelWidth,
    strideH: p.stride[0],
    strideW: p.stride[1],
    padH: p.padding[0],
    padW: p.padding[1],
    dilationH: p.dilation[0],
    dilationW: p.dilation[1],
    groupIn: p.inChannels / p.groups,
    groupOut: p.outChannels / p.groups,
    pixels: p.batch * outHeight * outWidth,
  };
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, u32(value)]));
}

const entry = `@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;`;

// Coordinates are unsigned: a position left of the image wraps to a huge number and fails the same `<` test.
const forwardBody = (dtype: string, bias: boolean): string => `
  let o = i % outChannels;
  let ox = (i / outChannels) % outWidth;
  let oy = (i / (outChannels * outWidth)) % outHeight;
  let n = i / (outChannels * outWidth * outHeight);
  let firstIn = (o / groupOut) * groupIn;
  var acc = 0.0;
  for (var r = 0u; r < kernelHeight; r++) {
    let iy = oy * strideH + r * dilationH - padH;
    if (iy >= inHeight) { continue; }
    for (var s = 0u; s < kernelWidth; s++) {
      let ix = ox * strideW + s * dilationW - padW;
      if (ix >= inWidth) { continue; }
      let at = ((n * inHeight + iy) * inWidth + ix) * inChannels + firstIn;
      for (var c = 0u; c < groupIn; c++) {
        acc = fma(f32(x[at + c]), f32(weight[((o * groupIn + c) * kernelHeight + r) * kernelWidth + s]), acc);
      }
    }
  }
  y[i] = ${dtype}(acc${bias ? ' + f32(bias[o])' : ''});`;

const gradInputBody = (dtype: string): string => `
  let c = i % inChannels;
  let ix = (i / inChannels) % inWidth;
  let iy = (i / (inChannels * inWidth)) % inHeight;
  let n = i / (inChannels * inWidth * inHeight);
  let firstOut = (c / groupIn) * groupOut;
  let inGroup = c % groupIn;
  var acc = 0.0;
  for (var r = 0u; r < kernelHeight; r++) {
    let ty = iy + padH - r * dilationH;
    if (ty >= outHeight * strideH || ty % strideH != 0u) { continue; }
    for (var s = 0u; s < kernelWidth; s++) {
      let tx = ix + padW - s * dilationW;
      if (tx >= outWidth * strideW || tx % strideW != 0u) { continue; }
      let at = ((n * outHeight + ty / strideH) * outWidth + tx / strideW) * outChannels + firstOut;
      for (var o = 0u; o < groupOut; o++) {
        acc = fma(f32(dy[at + o]), f32(weight[(((firstOut + o) * groupIn + inGroup) * kernelHeight + r) * kernelWidth + s]), acc);
      }
    }
  }
  dx[i] = ${dtype}(acc);`;

function planGradWeight(problem: Conv2dProblem, variant: string, target: Target): Plan {
  const { dtype } = problem;
  const weights = (problem.outChannels * problem.inChannels * problem.kernelHeight * problem.kernelWidth) / problem.groups;
  const [h, w] = conv2dOutputSize(problem);
  const pixels = problem.batch * h * w;
  const splits = gradWeightSplits(pixels, weights, 256);
  const partial = dispatch(target, {
    name: `${variant}-${dtype}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings: [read('x', dtype), read('dy', dtype), readWrite('partials')],
    constants: { ...sizes(problem), weights: u32(weights), chunk: u32(ceilDiv(pixels, splits)), splits: u32(splits) },
    workgroups: linearGroups(ceilDiv(weights * splits, workgroupSize), target),
    // Neighbouring threads take neighbouring output channels: dy is read in one run, x is shared or next to it.
    code: () => `
${entry}
  if (i >= weights * splits) { return; }
  let split = i / weights;
  let e = i % weights;
  let o = e % outChannels;
  let c = (e / outChannels) % groupIn;
  let s = (e / (outChannels * groupIn)) % kernelWidth;
  let r = e / (outChannels * groupIn * kernelWidth);
  let channel = (o / groupOut) * groupIn + c;
  var acc = 0.0;
  let last = min((split + 1u) * chunk, pixels);
  for (var pixel = split * chunk; pixel < last; pixel++) {
    let ox = pixel % outWidth;
    let oy = (pixel / outWidth) % outHeight;
    let n = pixel / (outWidth * outHeight);
    let iy = oy * strideH + r * dilationH - padH;
    let ix = ox * strideW + s * dilationW - padW;
    if (iy < inHeight && ix < inWidth) {
      acc = fma(f32(x[((n * inHeight + iy) * inWidth + ix) * inChannels + channel]), f32(dy[pixel * outChannels + o]), acc);
    }
  }
  partials[i] = acc;
}`,
  });
  return {
    variant,
    temporaries: [{ slot: 'partials', bytes: weights * splits * 4 }],
    dispatches: [partial, joinPartials(problem, splits, target)],
  };
}

/** Adds the parts of a weight gradient, laid [split][tap][input channel][output channel], into OIHW. */
export function joinPartials(problem: Conv2dProblem, splits: number, target: Target): Dispatch {
  const { dtype } = problem;
  const groupIn = problem.inChannels / problem.groups;
  const weights = problem.outChannels * groupIn * problem.kernelHeight * problem.kernelWidth;
  return dispatch(target, {
    name: `conv2d-gradWeight-join-${dtype}`,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings: [read('partials'), readWrite('dw', dtype)],
    scalars: {
      weights: u32(weights),
      splits: u32(splits),
      groupIn: u32(groupIn),
      outChannels: u32(problem.outChannels),
      taps: u32(problem.kernelHeight * problem.kernelWidth),
    },
    workgroups: linearGroups(ceilDiv(weights, workgroupSize), target),
    code: () => `
${entry}
  if (i >= p.weights) { return; }
  let o = i % p.outChannels;
  let c = (i / p.outChannels) % p.groupIn;
  let tap = i / (p.outChannels * p.groupIn);
  var acc = 0.0;
  for (var split = 0u; split < p.splits; split++) { acc += partials[split * p.weights + i]; }
  dw[(o * p.groupIn + c) * p.taps + tap] = ${dtype}(acc);
}`,
  });
}
