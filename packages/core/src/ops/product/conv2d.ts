import {
  type Conv2dPlan,
  type Conv2dProblem,
  conv2dOutputSize,
  conv2dTunable,
  type Plan,
  solve,
  type Target,
  type Tunable,
  withPackedFilters,
} from '@initlab/kernels';
import { checkedPair, checkOptions, type Pair } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { floatType, rowMajor, type TensorSpec } from '../../storage/spec.js';
import { checkTensorOptions, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { lowered } from '../pointwise/cast.js';
import { sum } from '../sum/sum.js';
import { planBiasRows } from '../views/bias-rows.js';

export interface Conv2dAttrs extends Pick<Conv2dProblem, 'stride' | 'padding' | 'dilation' | 'groups'> {
  /** Shape of what the product makes; known from the forward. */
  readonly xShape: readonly number[];
  readonly weightShape: readonly number[];
  /** Of the weight, its gradient and the bias; activations may be f16 beside f32 weights. */
  readonly weightDtype: TensorSpec['dtype'];
  /** Set by the rewrite that packs all filters at once: where this product's begin in `packed`, in bytes. */
  readonly packedAt?: number;
}

/** The product that a node of these attributes asks for. */
export function problemOf(attrs: Conv2dAttrs, dtype: TensorSpec['dtype'], bias: boolean): Conv2dProblem {
  const [batch = 0, inChannels = 0, inHeight = 0, inWidth = 0] = attrs.xShape;
  const [outChannels = 0, , kernelHeight = 0, kernelWidth = 0] = attrs.weightShape;
  const { stride, padding, dilation, groups } = attrs;
  return {
    batch,
    inChannels,
    inHeight,
    inWidth,
    outChannels,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
    dilation,
    groups,
    dtype: floatType(dtype),
    weightDtype: floatType(attrs.weightDtype),
    bias,
  };
}

function outShape(attrs: Conv2dAttrs): number[] {
  const problem = problemOf(attrs, 'f32', false);
  return [problem.batch, problem.outChannels, ...conv2dOutputSize(problem)];
}

/** The plan, reading filters that were packed before where they were. */
export const packedPlan = (plan: Conv2dPlan, { packedAt }: Pick<Conv2dAttrs, 'packedAt'>): Plan =>
  packedAt === undefined ? plan : withPackedFilters(plan, { offset: packedAt });

interface Context<I> {
  readonly inputs: I;
  readonly attrs: Conv2dAttrs;
}

/** What one product is planned by. */
const planned = <I>(tunable: (context: Context<I>) => Tunable<Conv2dPlan>) => ({
  tunable,
  plan: (context: Context<I> & { readonly target: Target }): Plan => packedPlan(solve(tunable(context), context.target), context.attrs),
});

// The three products are each other's gradients: every product is linear in both operands.
export const conv2dOp: Op<Conv2dAttrs, ['x', 'weight', 'bias?', 'packed?'], ['y']> = defineOp<Conv2dAttrs>()({
  name: 'conv2d',
  inputs: ['x', 'weight', 'bias?', 'packed?'],
  outputs: ['y'],
  formats: () => ({ x: 'channelsLast', weight: 'rowMajor' }),
  infer: ({ x }, attrs) => ({ y: { shape: outShape(attrs), dtype: x.dtype, format: 'channelsLast' } }),
  ...planned(({ inputs: { x, bias }, attrs }: Context<{ readonly x: TensorSpec; readonly bias?: TensorSpec | undefined }>) =>
    conv2dTunable(problemOf(attrs, x.dtype, bias !== undefined), 'forward'),
  ),
  // Only inputs of no channels leave something to write.
  planEmpty: ({ inputs: { bias }, outputs: { y }, target }) => planBiasRows({ y, bias }, target),
  backward: ({ grads: { y: dy }, inputs: { x, weight }, attrs, needs }) => ({
    x: needs.x ? applyOne(conv2dGradInputOp, { dy, weight }, attrs) : undefined,
    weight: needs.weight ? applyOne(conv2dGradWeightOp, { x, dy }, attrs) : undefined,
    bias: needs.bias ? sum(dy, { dims: [0, 2, 3], dtype: floatType(attrs.weightDtype) }) : undefined,
  }),
  backwardDifferentiable: true,
});

export const conv2dGradInputOp: Op<Conv2dAttrs, ['dy', 'weight', 'packed?'], ['dx']> = defineOp<Conv2dAttrs>()({
  name: 'conv2dGradInput',
  inputs: ['dy', 'weight', 'packed?'],
  outputs: ['dx'],
  formats: () => ({ dy: 'channelsLast', weight: 'rowMajor' }),
  infer: ({ dy }, attrs) => ({ dx: { shape: attrs.xShape, dtype: dy.dtype, format: 'channelsLast' } }),
  ...planned(({ inputs: { dy }, attrs }: Context<{ readonly dy: TensorSpec }>) =>
    conv2dTunable(problemOf(attrs, dy.dtype, false), 'gradInput'),
  ),
  backward: ({ grads: { dx: x }, inputs: { dy, weight }, attrs, needs }) => ({
    dy: needs.dy ? applyOne(conv2dOp, { x, weight }, attrs) : undefined,
    weight: needs.weight ? applyOne(conv2dGradWeightOp, { x, dy }, attrs) : undefined,
  }),
  backwardDifferentiable: true,
});

export const conv2dGradWeightOp: Op<Conv2dAttrs, ['x', 'dy'], ['dw']> = defineOp<Conv2dAttrs>()({
  name: 'conv2dGradWeight',
  inputs: ['x', 'dy'],
  outputs: ['dw'],
  formats: () => ({ x: 'channelsLast', dy: 'channelsLast' }),
  infer: (_, attrs) => ({ dw: rowMajor(attrs.weightShape, attrs.weightDtype) }),
  ...planned(({ inputs: { x }, attrs }: Context<{ readonly x: TensorSpec }>) =>
    conv2dTunable(problemOf(attrs, x.dtype, false), 'gradWeight'),
  ),
  backward: ({ grads: { dw: weight }, inputs: { x, dy }, attrs, needs }) => ({
    x: needs.x ? applyOne(conv2dGradInputOp, { dy, weight }, attrs) : undefined,
    dy: needs.dy ? applyOne(conv2dOp, { x, weight }, attrs) : undefined,
  }),
  backwardDifferentiable: true,
});

/** Options of `conv2d`; the defaults are PyTorch's. */
export interface Conv2dOptions {
  /** One value per output channel. */
  readonly bias?: Tensor | undefined;
  /** Pixels from one window to the next; default 1. */
  readonly stride?: Pair;
  /** Zeros on every side, in pixels; default 0. */
  readonly padding?: Pair;
  /** Pixels from one tap of the kernel to the next; default 1. */
  readonly dilation?: Pair;
  /** Groups of channels that do not see each other; divides both channel counts; default 1. */
  readonly groups?: number;
}

/**
 * 2-D convolution (PyTorch's `F.conv2d`). `x` [N, C, H, W], `weight` [K, C / groups, R, S] → [N, K, H', W'],
 * channels last in memory. `x` in f16 may meet `weight` and `bias` in f32, whose gradients are then f32 too.
 */
export function conv2d(input: Tensor, weight: Tensor, options: Conv2dOptions = {}): Tensor {
  checkOptions('conv2d', options, ['bias', 'stride', 'padding', 'dilation', 'groups']);
  const { bias, groups = 1, stride = 1, padding = 0, dilation = 1 } = options;
  checkTensors('conv2d', { x: input, weight });
  checkTensorOptions('conv2d', { bias });
  using whole = new AllOrNothing();
  const x = lowered(input);
  const attrs: Conv2dAttrs = {
    stride: checkedPair('conv2d', { stride }),
    padding: checkedPair('conv2d', { padding }, 0),
    dilation: checkedPair('conv2d', { dilation }),
    groups,
    xShape: x.shape,
    weightShape: weight.shape,
    weightDtype: weight.dtype,
  };
  check(x, weight, bias, attrs);
  return whole.done(applyOne(conv2dOp, { x, weight, bias }, attrs));
}

function check(x: Tensor, weight: Tensor, bias: Tensor | undefined, attrs: Conv2dAttrs): void {
  const fail = (message: string): never => {
    throw new OpError('conv2d', message);
  };
  if (x.ndim !== 4 || weight.ndim !== 4)
    fail(`takes x [N, C, H, W] and weight [K, C/groups, R, S], got ${showShape(x.shape)} and ${showShape(weight.shape)}`);
  const { groups, padding } = attrs;
  const [channels = 0, kernels = 0] = [x.shape[1], weight.shape[0]];
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0 || kernels % groups !== 0)
    fail(`groups ${groups} must divide the ${channels} input and ${kernels} output channels`);
  if (weight.shape[1] !== channels / groups)
    fail(
      `weight ${showShape(weight.shape)} takes ${(weight.shape[1] ?? 0) * groups} input channels, x ${showShape(x.shape)} has ${channels}`,
    );
  if (bias && (bias.ndim !== 1 || bias.size !== kernels)) fail(`bias ${showShape(bias.shape)} should be [${kernels}]`);
  checkFloat('conv2d', x);
  const fits = weight.dtype === x.dtype || (x.dtype === 'f16' && weight.dtype === 'f32');
  if (!fits || (bias && bias.dtype !== weight.dtype))
    fail(
      `x is ${x.dtype}, weight ${weight.dtype}${bias ? `, bias ${bias.dtype}` : ''}; cast() them alike (f16 x may meet f32 weight and bias)`,
    );
  if (weight.shape.some((d, i) => i !== 1 && d === 0)) fail(`weight ${showShape(weight.shape)} has no output channels or an empty kernel`);
  const [height = 0, width = 0] = outShape(attrs).slice(2);
  if (height < 1 || width < 1)
    fail(`kernel ${weight.shape[2]}×${weight.shape[3]} does not fit x ${showShape(x.shape)} with padding ${padding}`);
  if (x.size === 0 && x.shape[0] !== 0 && channels !== 0) fail(`x ${showShape(x.shape)} has images of no pixels`);
}
