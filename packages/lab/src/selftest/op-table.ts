import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import { InitlabError } from '@initlab/core';

export type OpCall = (inputs: Record<string, Tensor>, attrs: Record<string, unknown>) => Tensor | Tensor[];
type Attrs = Record<string, unknown>;

const input = (inputs: Record<string, Tensor>, name: string): Tensor => {
  const found = inputs[name];
  if (!found) throw new InitlabError(`the case lacks the input ${name}`);
  return found;
};
const num = (attrs: Attrs, name: string): number => attrs[name] as number;
const pair = (attrs: Attrs, name: string): [number, number] => attrs[name] as [number, number];
const unary =
  (f: (x: Tensor) => Tensor): OpCall =>
  (t) =>
    f(input(t, 'x'));
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): OpCall =>
  (t) =>
    f(input(t, 'a'), input(t, 'b'));
const reduce =
  (f: (x: Tensor, options: { dims: number[]; keepdim: boolean }) => Tensor): OpCall =>
  (t, a) =>
    f(input(t, 'x'), { dims: a.dims as number[], keepdim: a.keepdim as boolean });
const pool = (a: Attrs) => ({ kernelSize: pair(a, 'kernel'), stride: pair(a, 'stride'), padding: pair(a, 'padding') });
/** A per-channel vector as it multiplies an NCHW tensor. */
const perChannel = (t: Record<string, Tensor>, name: string): Tensor => core.reshape(input(t, name), [1, -1, 1, 1]);

/** How each op name of the parity files is run with the library. */
export const opTable: Readonly<Record<string, OpCall>> = {
  conv2d: (t, a) =>
    core.conv2d(input(t, 'x'), input(t, 'weight'), {
      bias: t.bias,
      stride: pair(a, 'stride'),
      padding: pair(a, 'padding'),
      dilation: pair(a, 'dilation'),
      groups: num(a, 'groups'),
    }),
  linear: (t) => core.linear(input(t, 'x'), input(t, 'weight'), { bias: t.bias }),
  matmul: binary((a, b) => core.matmul(a, b)),
  batch_norm: (t, a) => {
    const x = input(t, 'x');
    const channels = x.shape[1] as number;
    const runningMean = core.full([channels], num(a, 'running_mean_init'), { device: x.device });
    const runningVar = core.full([channels], num(a, 'running_var_init'), { device: x.device });
    const options = { weight: t.weight, bias: t.bias, runningMean, runningVar, momentum: num(a, 'momentum'), eps: num(a, 'eps') };
    return [core.batchNorm(x, { ...options, training: a.training as boolean }), runningMean, runningVar];
  },
  group_norm: (t, a) => core.groupNorm(input(t, 'x'), { groups: num(a, 'groups'), weight: t.weight, bias: t.bias, eps: num(a, 'eps') }),
  instance_norm: (t, a) => core.instanceNorm(input(t, 'x'), { weight: t.weight, bias: t.bias, eps: num(a, 'eps') }),
  layer_norm: (t, a) =>
    core.layerNorm(input(t, 'x'), { normalizedShape: a.normalized_shape as number[], weight: t.weight, bias: t.bias, eps: num(a, 'eps') }),
  weight_norm_conv2d: (t, a) =>
    core.conv2d(input(t, 'x'), core.weightNorm(input(t, 'weight_v'), input(t, 'weight_g')), {
      bias: t.bias,
      stride: pair(a, 'stride'),
      padding: pair(a, 'padding'),
    }),
  weight_norm_linear: (t) => core.linear(input(t, 'x'), core.weightNorm(input(t, 'weight_v'), input(t, 'weight_g')), { bias: t.bias }),
  max_pool2d: (t, a) => core.maxPool2d(input(t, 'x'), pool(a)),
  avg_pool2d: (t, a) => core.avgPool2d(input(t, 'x'), { ...pool(a), countIncludePad: a.count_include_pad as boolean }),
  adaptive_avg_pool2d: (t, a) => core.adaptiveAvgPool2d(input(t, 'x'), num(a, 'output_size')),
  relu: unary(core.relu),
  relu6: unary(core.relu6),
  sigmoid: unary(core.sigmoid),
  tanh: unary(core.tanh),
  exp: unary(core.exp),
  abs: unary(core.abs),
  neg: unary(core.neg),
  square: unary(core.square),
  silu: unary(core.silu),
  gelu: unary(core.gelu),
  elu: unary((x) => core.elu(x)),
  leaky_relu: (t, a) => core.leakyRelu(input(t, 'x'), num(a, 'negative_slope')),
  softplus: unary(core.softplus),
  hardswish: unary(core.hardswish),
  sin: unary(core.sin),
  cos: unary(core.cos),
  sqrt: unary(core.sqrt),
  log: unary(core.log),
  rsqrt: unary(core.rsqrt),
  reciprocal: unary(core.reciprocal),
  add: binary(core.add),
  sub: binary(core.sub),
  mul: binary(core.mul),
  div: binary(core.div),
  maximum: binary(core.maximum),
  minimum: binary(core.minimum),
  pow: (t, a) => core.pow(input(t, 'x'), num(a, 'exponent')),
  clamp: (t, a) => core.clamp(input(t, 'x'), { min: num(a, 'min'), max: num(a, 'max') }),
  sum: reduce(core.sum),
  mean: reduce(core.mean),
  var: (t, a) =>
    core.variance(input(t, 'x'), { dims: a.dims as number[], keepdim: a.keepdim as boolean, correction: num(a, 'correction') }),
  amax: reduce(core.amax),
  softmax: (t, a) => core.softmax(input(t, 'x'), { dim: num(a, 'dim') }),
  log_softmax: (t, a) => core.logSoftmax(input(t, 'x'), { dim: num(a, 'dim') }),
  cross_entropy: (t, a) =>
    core.crossEntropy(input(t, 'logits'), input(t, 'target'), {
      weight: t.weight,
      ignoreIndex: a.ignore_index as number | undefined,
      labelSmoothing: num(a, 'label_smoothing'),
      reduction: a.reduction as 'mean' | 'sum' | 'none',
    }),
  mse_loss: (t, a) => core.mseLoss(input(t, 'x'), input(t, 'target'), { reduction: a.reduction as 'mean' | 'sum' | 'none' }),
  permute: (t, a) => core.permute(input(t, 'x'), a.dims as number[]),
  cat: (t, a) => core.cat([input(t, 'a'), input(t, 'b')], { dim: num(a, 'dim') }),
  narrow: (t, a) => core.narrow(input(t, 'x'), { dim: num(a, 'dim'), start: num(a, 'start'), length: num(a, 'length') }),
  pad: (t, a) => core.pad(input(t, 'x'), { pad: a.pad as number[], value: num(a, 'value') }),
  expand: (t, a) => core.expand(input(t, 'x'), a.shape as number[]),
  chain_gated_group_norm: (t, a) => {
    const x = input(t, 'x');
    const gate = core.sigmoid(perChannel(t, 'gate'));
    const normed = core.groupNorm(x, { groups: num(a, 'groups'), eps: num(a, 'eps') });
    const mixed = core.add(core.mul(gate, normed), core.mul(core.sub(1, gate), x));
    return core.add(core.mul(mixed, perChannel(t, 'weight')), perChannel(t, 'bias'));
  },
  chain_channel_adaptive_norm: (t, a) => {
    const x = input(t, 'x');
    const level = core.mean(core.abs(x), { dims: [2, 3], keepdim: true });
    const factor = core.tanh(core.add(core.mul(perChannel(t, 'adapt_weight'), level), perChannel(t, 'adapt_bias')));
    const normed = core.groupNorm(x, { groups: num(a, 'groups'), eps: num(a, 'eps') });
    const scaled = core.mul(normed, core.add(core.mul(factor, 0.5), 1));
    return core.add(core.mul(scaled, perChannel(t, 'weight')), perChannel(t, 'bias'));
  },
};
