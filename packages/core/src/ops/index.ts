export { alias } from './alias.js';
export { type ArgmaxOptions, argmax, argmin } from './argmax.js';
export { addInto, copyInto } from './assign.js';
export * from './binary.js';
export { cast } from './cast.js';
export { type Conv1dOptions, conv1d } from './conv1d.js';
export { type Conv2dOptions, conv2d } from './conv2d.js';
export * from './extremes.js';
export { fmaProbe } from './fma-probe.js';
export { linear, matmul } from './matmul.js';
export { type BatchNormOptions, batchNorm, groupNorm, instanceNorm, layerNorm } from './norms.js';
export type { ReduceOptions } from './reduce-parts.js';
export { flatten, reshape } from './reshape.js';
export { expand, mean, type SumOptions, sum, sumTo } from './sum.js';
export { toFormat } from './to-format.js';
export * from './unary.js';
export * from './variance.js';
export { where } from './where.js';
export { dropout } from './dropout.js';
export { type CrossEntropyOptions, crossEntropy } from './cross-entropy.js';
export * from './losses.js';
export { squeeze, transpose, unsqueeze } from './axes.js';
export { logsumexp, norm, type NormOptions, std } from './lengths.js';
export { chunk, split, stack } from './pieces.js';
export type { Reduction } from './reduction.js';
export {
  clipGradNorm,
  largestLossScale,
  type LossScaleRule,
  lossScaleUpdate,
  type OptimizerRule,
  optimizerUpdate,
} from './optim-update.js';
export { type LayerwiseRule, layerwiseUpdate } from './layerwise-update.js';
export { permute } from './permute.js';
export { adaptiveAvgPool2d } from './adaptive-avg-pool.js';
export { adaptiveMaxPool2d } from './adaptive-max-pool.js';
export type { AdaptiveSize } from './adaptive-size.js';
export { type AvgPoolOptions, avgPool2d, type MaxPoolOptions, maxPool2d, type PoolOptions } from './pool.js';
export { type RandomOptions, rand, randn } from './random.js';
export { cat, narrow } from './regions.js';
export { logSoftmax, softmax } from './softmax.js';
export { uniform } from './uniform.js';
export { rowNorms, weightNorm } from './weight-norm.js';
export { gather } from './gather.js';
export { cumsum } from './cumsum.js';
export { einsum } from './einsum.js';
export { flip } from './flip.js';
export { indexSelect } from './index-select.js';
export { type PadMode, type PadOptions, pad } from './pad.js';
export { prod } from './prod.js';
export { roll } from './roll.js';
export { type ScatterAddOptions, scatterAdd } from './scatter-add.js';
export { type SliceRange, slice } from './slice.js';
export { type Sorted, type SortOptions, sort, type TopkOptions, topk } from './sort.js';
export { take } from './take.js';
export { glu, hardsigmoid, mish, prelu, selu } from './activations-composed.js';
export { type ConvTranspose1dOptions, convTranspose1d } from './conv-transpose1d.js';
export { type ConvTranspose2dOptions, convTranspose2d } from './conv-transpose2d.js';
export { type InterpolateOptions, interpolate } from './interpolate.js';
export { type LocalResponseNormOptions, localResponseNorm, type RmsNormOptions, rmsNorm } from './more-norms.js';
export { type NllLossOptions, nllLoss } from './nll-loss.js';
export { imagesOfRows, pixelRows } from './pixel-rows.js';
export { pixelShuffle } from './pixel-shuffle.js';
export { type GatherImagesOptions, gatherImages } from './gather-images.js';
