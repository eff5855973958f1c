import { checkNumber, checkOptions, checkOutputPadding } from '../../checks/check-arguments.js';
import { AllOrNothing } from '../../storage/scope.js';
import type { Tensor } from '../../tensor/tensor.js';
import { convTranspose2d } from './conv-transpose2d.js';
import { asRow, type Conv1dOptions, checkRows, ofRow } from './conv1d.js';

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
