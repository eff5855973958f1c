import { checkNumber, checkOptions, checkOutputPadding } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { reshape } from '../views/reshape.js';
import { convTranspose2d } from './conv-transpose2d.js';
import { type Conv2dOptions, conv2d } from './conv2d.js';

/** Options of `conv1d`; the defaults are PyTorch's. */
export interface Conv1dOptions extends Pick<Conv2dOptions, 'bias' | 'groups'> {
  /** Elements from one window to the next; default 1. */
  readonly stride?: number | undefined;
  /** Zeros on both sides; default 0. */
  readonly padding?: number | undefined;
  /** Elements from one tap of the kernel to the next; default 1. */
  readonly dilation?: number | undefined;
}

/** [A, B, L] as images of one row. */
const asRow = (x: Tensor): Tensor => reshape(x, [x.shape[0] ?? 1, x.shape[1] ?? 1, 1, x.shape[2] ?? 1]);

/** Images of one row as [A, B, L]. */
const ofRow = (y: Tensor): Tensor => reshape(y, [y.shape[0] ?? 1, y.shape[1] ?? 1, y.shape[3] ?? 1]);

/** Throws for operands that are not of three dimensions. */
function checkRows(op: string, x: Tensor, { weight, takes }: { readonly weight: Tensor; readonly takes: string }): void {
  checkTensors(op, { x, weight });
  if (x.ndim !== 3 || weight.ndim !== 3) throw new OpError(op, `takes ${takes}, got ${showShape(x.shape)} and ${showShape(weight.shape)}`);
}

/**
 * 1-D convolution (PyTorch's `F.conv1d`), by the kernels of `conv2d`. `x` [N, C, L], `weight` [K, C / groups, R] → [N, K, L'],
 * L' = ⌊(L + 2 · padding − dilation · (R − 1) − 1) / stride⌋ + 1. Types and errors as `conv2d`.
 */
export function conv1d(x: Tensor, weight: Tensor, options: Conv1dOptions = {}): Tensor {
  checkOptions('conv1d', options, ['bias', 'stride', 'padding', 'dilation', 'groups']);
  const { bias, stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  checkNumber('conv1d', { stride, dilation }, { from: 1, whole: true });
  checkNumber('conv1d', { padding }, { from: 0, whole: true });
  checkRows('conv1d', x, { weight, takes: 'x [N, C, L] and weight [K, C/groups, R]' });
  // What conv2d would say of images.
  const [, inChannels = 0, taps = 0] = weight.shape;
  const [, channels = 0, length = 0] = x.shape;
  const reach = dilation * (taps - 1) + 1;
  if (channels !== inChannels * groups)
    throw new OpError(
      'conv1d',
      `weight ${showShape(weight.shape)} takes ${inChannels * groups} input channels, x ${showShape(x.shape)} has ${channels}`,
    );
  if (length + 2 * padding < reach)
    throw new OpError(
      'conv1d',
      `kernel ${taps}, which reaches over ${reach}, does not fit x ${showShape(x.shape)} with padding ${padding}`,
    );
  using whole = new AllOrNothing();
  const along = { bias, stride: [1, stride], padding: [0, padding], dilation: [1, dilation], groups } as const;
  return whole.done(ofRow(conv2d(asRow(x), asRow(weight), along)));
}

/** Options of `convTranspose1d`; the defaults are PyTorch's. `padding` cuts off. */
export interface ConvTranspose1dOptions extends Conv1dOptions {
  /** Elements more at the end, fewer than the stride or the dilation; default 0. */
  readonly outputPadding?: number | undefined;
}

/**
 * Transposed 1-D convolution (PyTorch's `F.conv_transpose1d`), by the kernels of `conv2d`. `x` [N, K, L], `weight` [K, C / groups, R] →
 * [N, C, L'], L' = (L − 1) · stride − 2 · padding + dilation · (R − 1) + outputPadding + 1. Types and errors as `convTranspose2d`.
 */
export function convTranspose1d(x: Tensor, weight: Tensor, options: ConvTranspose1dOptions = {}): Tensor {
  const op = 'convTranspose1d';
  checkOptions(op, options, ['bias', 'stride', 'padding', 'outputPadding', 'dilation', 'groups']);
  const { bias, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options;
  checkNumber(op, { stride, dilation }, { from: 1, whole: true });
  checkNumber(op, { padding, outputPadding }, { from: 0, whole: true });
  checkOutputPadding(op, [outputPadding], { stride: [stride], dilation: [dilation] });
  checkRows(op, x, { weight, takes: 'x [N, K, L] and weight [K, C/groups, R]' });
  using whole = new AllOrNothing();
  const y = convTranspose2d(asRow(x), asRow(weight), {
    bias,
    stride: [1, stride],
    padding: [0, padding],
    outputPadding: [0, outputPadding],
    dilation: [1, dilation],
    groups,
  });
  return whole.done(ofRow(y));
}
