import {
  adaptiveAvgPool2d,
  add,
  addInto,
  amax,
  argmax,
  autocast,
  avgPool2d,
  backward,
  batchNorm,
  cast,
  cat,
  clamp,
  clipGradNorm,
  conv2d,
  copyInto,
  crossEntropy,
  type Device,
  dropout,
  equal,
  expand,
  full,
  gather,
  grad,
  groupNorm,
  instanceNorm,
  layerNorm,
  linear,
  logSoftmax,
  matmul,
  maxPool2d,
  mean,
  mseLoss,
  mul,
  narrow,
  noGrad,
  ones,
  pad,
  permute,
  pow,
  rand,
  randn,
  relu,
  reshape,
  scope,
  softmax,
  sum,
  type Tensor,
  tensor,
  toFormat,
  uniform,
  variance,
  varMean,
  weightNorm,
  where,
  zeros,
} from '@initlab/core';

/** What calls are made with; images are 16 KiB each. */
export interface Operands {
  readonly device: Device;
  /** [4, 16, 8, 8] in both memory formats; `leaf` wants a gradient. */
  readonly image: Tensor;
  readonly lying: Tensor;
  readonly leaf: Tensor;
  /** The same in f16. */
  readonly half: Tensor;
  readonly kernel: Tensor;
  readonly channels: Tensor;
  /** [64, 64]. */
  readonly matrix: Tensor;
  readonly halfMatrix: Tensor;
  readonly row: Tensor;
  readonly labels: Tensor;
  readonly rng: Tensor;
}

export function operands(device: Device): Operands {
  const at = { device };
  return {
    device,
    image: ones([4, 16, 8, 8], at),
    lying: ones([4, 16, 8, 8], { device, format: 'channelsLast' }),
    leaf: ones([4, 16, 8, 8], { device, requiresGrad: true }),
    half: ones([4, 16, 8, 8], { device, dtype: 'f16' }),
    kernel: ones([16, 16, 3, 3], { device, requiresGrad: true }),
    channels: ones([16], at),
    matrix: ones([64, 64], at),
    halfMatrix: ones([64, 64], { device, dtype: 'f16' }),
    row: ones([64], at),
    labels: zeros([64], { device, dtype: 'i32' }),
    rng: zeros([4], { device, dtype: 'u32' }),
  };
}

/** Every kind of call that allocates, with operands it takes. */
export const calls: Readonly<Record<string, (o: Operands) => unknown>> = {
  zeros: ({ device }) => zeros([4096], { device }),
  full: ({ device }) => full([4096], 2, { device, dtype: 'f16' }),
  tensor: ({ device }) => tensor(new Float32Array(4096), { device, requiresGrad: true }),
  rand: ({ device }) => rand([4096], { device }),
  'randn in f16, channels last': ({ device }) => randn([4, 16, 8, 8], { device, dtype: 'f16', format: 'channelsLast' }),
  uniform: ({ rng }) => uniform([4096], { rng, stream: 0 }),
  add: ({ image }) => add(image, 1),
  'add of two formats': ({ image, lying }) => add(image, lying),
  'add of a leaf of another format': ({ leaf, lying }) => add(lying, leaf),
  'mul under autocast': ({ image, half }) => autocast(() => mul(image, half)),
  'pow of halves': ({ half }) => pow(half, 3),
  equal: ({ image }) => equal(image, 1),
  relu: ({ leaf }) => relu(leaf),
  clamp: ({ image }) => clamp(image, { min: 0 }),
  where: ({ image, lying }) => where(image, lying, 0),
  'where under autocast': ({ image, half }) => autocast(() => where(image, half, image)),
  cast: ({ image }) => cast(image, 'f16'),
  toFormat: ({ image }) => toFormat(image, 'channelsLast'),
  copyInto: ({ image, lying }) => copyInto(image, lying),
  addInto: ({ image, lying }) => addInto(image, lying),
  conv2d: ({ image, kernel }) => conv2d(image, kernel, { padding: 1 }),
  'conv2d under autocast': ({ leaf, kernel, channels }) => autocast(() => conv2d(leaf, kernel, { bias: channels, padding: 1 })),
  linear: ({ image, matrix }) => linear(reshape(image, [4, 16, 64]), matrix),
  'linear under autocast': ({ halfMatrix, matrix, row }) => autocast(() => linear(halfMatrix, matrix, { bias: row })),
  matmul: ({ matrix }) => matmul(matrix, matrix),
  'matmul under autocast': ({ halfMatrix, matrix }) => autocast(() => matmul(halfMatrix, matrix)),
  'batchNorm in training': ({ image, channels }) => batchNorm(image, { training: true, weight: channels, bias: channels }),
  'batchNorm in evaluation': ({ leaf, channels }) => batchNorm(leaf, { runningMean: channels, runningVar: channels }),
  groupNorm: ({ leaf }) => groupNorm(leaf, { groups: 4 }),
  instanceNorm: ({ image }) => instanceNorm(image),
  'layerNorm of rows': ({ matrix, row }) => layerNorm(matrix, { normalizedShape: [64], weight: row, bias: row }),
  'layerNorm of images': ({ leaf }) => layerNorm(leaf, { normalizedShape: [16, 8, 8] }),
  softmax: ({ matrix }) => softmax(matrix, { dim: 1 }),
  'logSoftmax under autocast': ({ halfMatrix }) => autocast(() => logSoftmax(halfMatrix, { dim: 0 })),
  crossEntropy: ({ matrix, labels }) => crossEntropy(matrix, labels, { labelSmoothing: 0.1 }),
  'crossEntropy under autocast': ({ halfMatrix, labels }) => autocast(() => crossEntropy(halfMatrix, labels)),
  mseLoss: ({ matrix }) => mseLoss(matrix, matrix),
  'mseLoss of halves': ({ halfMatrix }) => mseLoss(halfMatrix, halfMatrix),
  sum: ({ image }) => sum(image, { dims: [1] }),
  mean: ({ leaf }) => mean(leaf),
  amax: ({ image }) => amax(image, { dim: 0 }),
  argmax: ({ matrix }) => argmax(matrix, { dim: 1 }),
  'argmax of all': ({ image }) => argmax(image, { keepdim: true }),
  variance: ({ leaf }) => variance(leaf, { dims: [0, 2, 3] }),
  varMean: ({ half }) => varMean(half, { dim: 1 }),
  expand: ({ channels }) => expand(reshape(channels, [1, 16, 1, 1]), [4, 16, 8, 8]),
  permute: ({ lying }) => permute(lying, [0, 2, 3, 1]),
  'reshape of channels last': ({ lying }) => reshape(lying, [64, 64]),
  narrow: ({ image }) => narrow(image, { dim: 1, start: 0, length: 8 }),
  pad: ({ image }) => pad(image, { pad: [1, 1, 1, 1] }),
  cat: ({ image, lying }) => cat([image, lying, image], { dim: 1 }),
  maxPool2d: ({ leaf }) => maxPool2d(leaf, { kernelSize: 2 }),
  avgPool2d: ({ leaf }) => avgPool2d(leaf, { kernelSize: 2 }),
  adaptiveAvgPool2d: ({ image }) => adaptiveAvgPool2d(image, 2),
  dropout: ({ leaf, rng }) => dropout(leaf, { p: 0.5, rng, stream: 1 }),
  gather: ({ row, labels }) => gather(row, labels),
  weightNorm: ({ kernel, channels }) => weightNorm(kernel, reshape(channels, [16, 1, 1, 1])),
  clipGradNorm: ({ matrix, row }) => clipGradNorm([matrix, row], { maxNorm: 1 }),
  backward: ({ leaf, kernel }) =>
    scope(() => {
      backward(mean(relu(groupNorm(conv2d(leaf, kernel, { padding: 1 }), { groups: 4 }))));
    }),
  grad: ({ leaf, kernel }) => scope(() => grad(sum(conv2d(leaf, kernel)), [leaf, kernel], { createGraph: true })),
  'conv2d without a tape': ({ lying, kernel }) => noGrad(() => conv2d(lying, kernel)),
};
