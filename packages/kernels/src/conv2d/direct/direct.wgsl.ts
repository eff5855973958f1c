import {
  alongAxes,
  ceilDiv,
  dispatch,
  grid,
  heightWidth,
  mainOf,
  planSingle,
  read,
  readWrite,
  type Scalars,
  u32,
  u32s,
} from '../../kernel.js';
import type { Target } from '../../plan.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { joinedGradWeight } from '../shared/join.wgsl.js';
import {
  biasOf,
  type Conv2dDirection,
  type Conv2dProblem,
  conv2dFlops,
  conv2dOutputSize,
  gradWeightSplits,
  imagesOf,
  weightDtype,
} from '../shared/problem.js';

const workgroupSize = 64;

/**
 * Plain convolution: one thread an output element, loops over taps and channels. Any stride, padding, dilation, groups
 * and size: the reference every other family is checked against, and what runs where none of them fits. The weight
 * gradient cuts the pixels into fixed parts that a second pass adds in order.
 */
export function planDirect(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Conv2dPlan {
  const variant = `conv2d-${direction}-direct`;
  if (direction === 'gradWeight') return planGradWeight(problem, variant, target);
  const { dtype } = problem;
  const weights = weightDtype(problem);
  const bias = biasOf(problem, direction);
  const { source, result } = imagesOf(problem, direction);
  return planSingle(variant, target, {
    family: variant,
    key: { forward: direction === 'forward', dtype, weights, bias: bias !== false },
    about: `The plain convolution: an invocation owns one element of the result. Activations lie NHWC, weights OIHW. No barriers.`,
    bindings: [read(source.slot, dtype), read('weight', weights), ...(bias ? [read('bias', bias)] : []), readWrite(result.slot, dtype)],
    // A driver that compiles for the CPU unrolls loops of constant length, for seconds.
    bake: 'shared',
    scalars: scalars(problem),
    flops: conv2dFlops(problem),
    workgroups: grid(problem.batch * result.size[0] * result.size[1] * result.channels, target),
    code: ({ forward, dtype, bias }) => `
${begin}
  ${forward ? forwardBody(dtype, bias) : gradInputBody(dtype)}
}`,
  });
}

/** What a direct kernel is told: 14 numbers, so that two more fit the 64 bytes of immediates. */
const scalars = (p: Conv2dProblem): Scalars => ({
  ...u32s({ batch: p.batch, inChannels: p.inChannels }),
  ...heightWidth('in', [p.inHeight, p.inWidth], u32),
  outChannels: u32(p.outChannels),
  ...heightWidth('kernel', [p.kernelHeight, p.kernelWidth], u32),
  ...alongAxes('stride', p.stride, u32),
  ...alongAxes('padding', p.padding, u32),
  ...alongAxes('dilation', p.dilation, u32),
  groups: u32(p.groups),
});

const begin = `${mainOf(workgroupSize)}
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  let outHeight = (p.inHeight + 2u * p.paddingY - p.dilationY * (p.kernelHeight - 1u) - 1u) / p.strideY + 1u;
  let outWidth = (p.inWidth + 2u * p.paddingX - p.dilationX * (p.kernelWidth - 1u) - 1u) / p.strideX + 1u;
  let groupIn = p.inChannels / p.groups;
  let groupOut = p.outChannels / p.groups;`;

// Coordinates are unsigned: a position left of the image wraps to a huge number and fails the same `<` test.
const forwardBody = (dtype: string, bias: boolean): string => `
  if (i >= p.batch * outHeight * outWidth * p.outChannels) { return; }
  let o = i % p.outChannels;
  let ox = (i / p.outChannels) % outWidth;
  let oy = (i / (p.outChannels * outWidth)) % outHeight;
  let n = i / (p.outChannels * outWidth * outHeight);
  let firstIn = (o / groupOut) * groupIn;
  var acc = 0.0;
  for (var r = 0u; r < p.kernelHeight; r++) {
    let iy = oy * p.strideY + r * p.dilationY - p.paddingY;
    if (iy >= p.inHeight) { continue; }
    for (var s = 0u; s < p.kernelWidth; s++) {
      let ix = ox * p.strideX + s * p.dilationX - p.paddingX;
      if (ix >= p.inWidth) { continue; }
      let at = ((n * p.inHeight + iy) * p.inWidth + ix) * p.inChannels + firstIn;
      for (var c = 0u; c < groupIn; c++) {
        acc = fma(f32(x[at + c]), f32(weight[((o * groupIn + c) * p.kernelHeight + r) * p.kernelWidth + s]), acc);
      }
    }
  }
  y[i] = ${dtype}(acc${bias ? ' + f32(bias[o])' : ''});`;

const gradInputBody = (dtype: string): string => `
  if (i >= p.batch * p.inHeight * p.inWidth * p.inChannels) { return; }
  let c = i % p.inChannels;
  let ix = (i / p.inChannels) % p.inWidth;
  let iy = (i / (p.inChannels * p.inWidth)) % p.inHeight;
  let n = i / (p.inChannels * p.inWidth * p.inHeight);
  let firstOut = (c / groupIn) * groupOut;
  let inGroup = c % groupIn;
  var acc = 0.0;
  for (var r = 0u; r < p.kernelHeight; r++) {
    let ty = iy + p.paddingY - r * p.dilationY;
    if (ty >= outHeight * p.strideY || ty % p.strideY != 0u) { continue; }
    for (var s = 0u; s < p.kernelWidth; s++) {
      let tx = ix + p.paddingX - s * p.dilationX;
      if (tx >= outWidth * p.strideX || tx % p.strideX != 0u) { continue; }
      let at = ((n * outHeight + ty / p.strideY) * outWidth + tx / p.strideX) * p.outChannels + firstOut;
      for (var o = 0u; o < groupOut; o++) {
        acc = fma(f32(dy[at + o]), f32(weight[(((firstOut + o) * groupIn + inGroup) * p.kernelHeight + r) * p.kernelWidth + s]), acc);
      }
    }
  }
  dx[i] = ${dtype}(acc);`;

function planGradWeight(problem: Conv2dProblem, variant: string, target: Target): Conv2dPlan {
  const { dtype } = problem;
  const weights = (problem.outChannels * problem.inChannels * problem.kernelHeight * problem.kernelWidth) / problem.groups;
  const [h, w] = conv2dOutputSize(problem);
  const pixels = problem.batch * h * w;
  const splits = gradWeightSplits(pixels, weights, 256);
  const partial = dispatch(target, {
    family: variant,
    about:
      'The plain gradient of a weight: x and dy lie NHWC, partials [part of the pixels][tap][input channel][output channel]. An invocation owns one element of a part. No barriers.',
    key: { dtype },
    bindings: [read('x', dtype), read('dy', dtype), readWrite('partials')],
    // A driver that compiles for the CPU unrolls loops of constant length, for seconds.
    bake: 'shared',
    scalars: { ...scalars(problem), ...u32s({ chunk: ceilDiv(pixels, splits), splits }) },
    flops: conv2dFlops(problem),
    workgroups: grid(weights * splits, target),
    // Neighbouring threads take neighbouring output channels: dy is read in one run, x is shared or next to it.
    code: () => `
${begin}
  let weights = p.outChannels * groupIn * p.kernelHeight * p.kernelWidth;
  if (i >= weights * p.splits) { return; }
  let split = i / weights;
  let e = i % weights;
  let o = e % p.outChannels;
  let c = (e / p.outChannels) % groupIn;
  let s = (e / (p.outChannels * groupIn)) % p.kernelWidth;
  let r = e / (p.outChannels * groupIn * p.kernelWidth);
  let channel = (o / groupOut) * groupIn + c;
  var acc = 0.0;
  let last = min((split + 1u) * p.chunk, p.batch * outHeight * outWidth);
  for (var pixel = split * p.chunk; pixel < last; pixel++) {
    let ox = pixel % outWidth;
    let oy = (pixel / outWidth) % outHeight;
    let n = pixel / (outWidth * outHeight);
    let iy = oy * p.strideY + r * p.dilationY - p.paddingY;
    let ix = ox * p.strideX + s * p.dilationX - p.paddingX;
    if (iy < p.inHeight && ix < p.inWidth) {
      acc = fma(f32(x[((n * p.inHeight + iy) * p.inWidth + ix) * p.inChannels + channel]), f32(dy[pixel * p.outChannels + o]), acc);
    }
  }
  partials[i] = acc;
}`,
  });
  return joinedGradWeight(problem, { variant, partial, splits, workers: 1 }, target);
}
