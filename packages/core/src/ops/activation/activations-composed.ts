import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis, checkFloat } from '../arguments/operands.js';
import { add, greater, mul } from '../pointwise/binary.js';
import { besides } from '../pointwise/cast.js';
import { elu, relu6, sigmoid, softplus, tanh } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { chunk } from '../region/pieces.js';
import { reshape } from '../views/reshape.js';

// Activations that are made of others: chains of elements, which a compiled step makes one kernel of.

const whole = (make: () => Tensor): Tensor => {
  using all = new AllOrNothing();
  return all.done(make());
};

/** x · tanh(log(1 + eˣ)) (PyTorch's `F.mish`; arXiv:1908.08681). */
export function mish(x: Tensor): Tensor {
  checkFloat('mish', x);
  return whole(() => mul(x, tanh(softplus(x))));
}

/** relu6(x + 3) / 6 (PyTorch's `F.hardsigmoid`). */
export function hardsigmoid(x: Tensor): Tensor {
  checkFloat('hardsigmoid', x);
  return whole(() => mul(relu6(add(x, 3)), 1 / 6));
}

/** 1.0507 · elu(x, 1.6733), which keeps mean 0 and variance 1 (PyTorch's `F.selu`; arXiv:1706.02515). */
export function selu(x: Tensor): Tensor {
  checkFloat('selu', x);
  return whole(() => mul(elu(x, 1.6732632423543772), 1.0507009873554805));
}

/** x above 0, `weight` · x below, with one weight or one for each channel of dimension 1 (PyTorch's `F.prelu`; arXiv:1502.01852). */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  checkTensors('prelu', { x, weight });
  checkFloat('prelu', x);
  if (weight.ndim > 1 || (weight.size !== 1 && weight.size !== x.shape[1]))
    throw new OpError('prelu', `weight ${showShape(weight.shape)} is [1] or has one value for each channel of x ${showShape(x.shape)}`);
  return whole(() => {
    const own = besides(x, weight);
    const slopes = weight.size === 1 ? reshape(own, []) : reshape(own, [-1, ...x.shape.slice(2).map(() => 1)]);
    const above = greater(x, 0);
    // Not x itself times the slope: of an infinite one above 0 the slope's gradient would be 0 · ∞.
    return where(above, x, mul(where(above, 0, x), slopes));
  });
}

/** First half along `dim`, default the last, times the sigmoid of the second (PyTorch's `F.glu`; arXiv:1612.08083). */
export function glu(x: Tensor, options: { dim?: number } = {}): Tensor {
  checkFloat('glu', x);
  checkOptions('glu', options, ['dim']);
  const dim = axis('glu', x, options.dim ?? -1);
  if ((x.shape[dim] as number) % 2 !== 0) throw new OpError('glu', `halves dimension ${dim}, which is odd in ${showShape(x.shape)}`);
  return whole(() => {
    const [first, second] = chunk(x, 2, { dim }) as [Tensor, Tensor];
    return mul(first, sigmoid(second));
  });
}
