import { planSoftmax } from '@initlab/kernels';
import { checkOptions } from '../../checks/check-arguments.js';
import { applyOne, defineOp } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis, checkF32 } from '../arguments/operands.js';
import { mul, sub } from '../pointwise/binary.js';
import { lifted } from '../pointwise/cast.js';
import { exp } from '../pointwise/unary.js';
import { sum } from '../sum/sum.js';

interface SoftmaxAttrs {
  readonly dim: number;
  readonly log: boolean;
}

const problemOf = (shape: readonly number[], { dim, log }: SoftmaxAttrs) => ({
  outer: sizeOf(shape.slice(0, dim)),
  classes: shape[dim] ?? 1,
  inner: sizeOf(shape.slice(dim + 1)),
  log,
});

const gradOp = defineOp<SoftmaxAttrs>()({
  name: 'softmaxGrad',
  inputs: ['dy', 'y'],
  outputs: ['dx'],
  formats: () => ({ dy: 'rowMajor', y: 'rowMajor' }),
  infer: ({ y }) => ({ dx: { ...y, format: 'rowMajor' } }),
  plan: ({ inputs: { y }, attrs, target }) => planSoftmax(problemOf(y.shape, attrs), 'backward', target),
});
const softmaxOp = defineOp<SoftmaxAttrs>()({
  name: 'softmax',
  inputs: ['x'],
  outputs: ['y'],
  formats: () => ({ x: 'rowMajor' }),
  infer: ({ x }) => ({ y: { ...x, format: 'rowMajor' } }),
  plan: ({ inputs: { x }, attrs, target }) => planSoftmax(problemOf(x.shape, attrs), 'forward', target),
  backward: ({ grads, outputs: { y }, attrs }) => ({ x: applyOne(gradOp, { dy: grads.y, y }, attrs) }),
  backwardComposed: ({ grads: { y: g }, outputs: { y }, attrs: { dim, log } }) => {
    const over = { dims: [dim], keepdim: true };
    return { x: log ? sub(g, mul(exp(y), sum(g, over))) : mul(y, sub(g, sum(mul(g, y), over))) };
  },
});

function run(op: string, input: Tensor, options: { dim: number }, log: boolean): Tensor {
  checkOptions(op, options, ['dim']);
  const { dim } = options;
  checkTensor(op, input);
  using whole = new AllOrNothing();
  const x = lifted(input);
  const along = axis(op, x, dim);
  checkF32(op, x, 'x');
  return whole.done(applyOne(softmaxOp, { x }, { dim: along, log }));
}

/** e^x / Σ e^x along `dim` (PyTorch's `F.softmax`); takes f32. */
export const softmax = (x: Tensor, options: { dim: number }): Tensor => run('softmax', x, options, false);
/** log(softmax(x)) along `dim`, without losing digits (PyTorch's `F.log_softmax`); takes f32. */
export const logSoftmax = (x: Tensor, options: { dim: number }): Tensor => run('logSoftmax', x, options, true);
