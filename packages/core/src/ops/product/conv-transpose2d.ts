import { checkedPair, checkOptions, checkOutputPadding, type Pair } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensorOptions, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { add } from '../pointwise/binary.js';
import { cast, lowered } from '../pointwise/cast.js';
import { pad } from '../region/pad.js';
import { reshape } from '../views/reshape.js';
import { type Conv2dOptions, conv2dGradInputOp } from './conv2d.js';

/** Options of `convTranspose2d`; the defaults are PyTorch's. */
export interface ConvTranspose2dOptions extends Pick<Conv2dOptions, 'bias' | 'groups' | 'dilation'> {
  /** Pixels of the output from one of the input to the next; default 1. */
  readonly stride?: Pair | undefined;
  /** Pixels cut off on every side; default 0. */
  readonly padding?: Pair | undefined;
  /** Pixels more at the bottom and right, fewer than the stride or the dilation; default 0. */
  readonly outputPadding?: Pair | undefined;
}
const optionNames = ['bias', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'] as const;

/**
 * Transposed convolution (PyTorch's `F.conv_transpose2d`): the gradient of `conv2d` by its input, and computed as such. `x`
 * [N, K, H, W], `weight` [K, C / groups, R, S] → [N, C, H', W'], H' = (H − 1) · stride − 2 · padding + dilation · (R − 1) + outputPadding + 1.
 */
export function convTranspose2d(input: Tensor, weight: Tensor, options: ConvTranspose2dOptions = {}): Tensor {
  const op = 'convTranspose2d';
  checkOptions(op, options, optionNames);
  const { bias, groups = 1 } = options;
  checkTensors(op, { x: input, weight });
  checkTensorOptions(op, { bias });
  checkFloat(op, input);
  const stride = checkedPair(op, { stride: options.stride ?? 1 });
  const padding = checkedPair(op, { padding: options.padding ?? 0 }, 0);
  const outputPadding = checkedPair(op, { outputPadding: options.outputPadding ?? 0 }, 0);
  const dilation = checkedPair(op, { dilation: options.dilation ?? 1 });
  using whole = new AllOrNothing();
  const given = lowered(input);
  // A step or more beyond the last is what one more pixel of the input, 0, would make.
  const further = outputPadding.map((more, i) => Math.floor(more / (stride[i] as number)));
  const x =
    given.ndim === 4 && further.some((steps) => steps > 0)
      ? pad(given, { pad: [0, further[1] as number, 0, further[0] as number] })
      : given;
  if (x.ndim !== 4 || weight.ndim !== 4)
    throw new OpError(op, `takes x [N, K, H, W] and weight [K, C/groups, R, S], got ${showShape(x.shape)} and ${showShape(weight.shape)}`);
  const [batch = 0, kernels = 0] = x.shape;
  if (!Number.isInteger(groups) || groups < 1 || kernels % groups !== 0 || weight.shape[0] !== kernels || weight.size === 0)
    throw new OpError(
      op,
      `weight ${showShape(weight.shape)} in ${groups} groups does not take the ${kernels} channels of x ${showShape(x.shape)}`,
    );
  if (weight.dtype !== x.dtype && !(x.dtype === 'f16' && weight.dtype === 'f32'))
    throw new OpError(op, `x is ${x.dtype} and weight ${weight.dtype}; cast() them alike`);
  checkOutputPadding(op, outputPadding, { stride, dilation });
  const channels = (weight.shape[1] as number) * groups;
  if (bias && (bias.ndim !== 1 || bias.size !== channels)) throw new OpError(op, `bias ${showShape(bias.shape)} should be [${channels}]`);
  const size = [0, 1].map((i) => {
    const [length, taps] = [x.shape[i + 2] as number, weight.shape[i + 2] as number];
    const far = (length - 1) * (stride[i] as number) + (dilation[i] as number) * (taps - 1);
    return far - 2 * (padding[i] as number) + ((outputPadding[i] as number) % (stride[i] as number)) + 1;
  });
  if (size.some((length) => length < 1) || x.shape.slice(2).includes(0))
    throw new OpError(op, `padding ${padding} leaves nothing of the result of x ${showShape(x.shape)}: ${size.join('×')} pixels`);
  const xShape = [batch, channels, ...size];
  const attrs = { stride, padding, dilation, groups, xShape, weightShape: weight.shape, weightDtype: weight.dtype };
  const y = applyOne(conv2dGradInputOp, { dy: x, weight }, attrs);
  return whole.done(bias ? add(y, reshape(cast(bias, y.dtype), [1, channels, 1, 1])) : y);
}
