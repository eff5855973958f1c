import type { UnaryName } from '@initlab/kernels';
import type { OpDef } from '../../op/op-def.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, greater, greaterEqual, less, lessEqual, mul, pow, sub } from './binary.js';
import { cast } from './cast.js';
import type { PointwiseAttrs, PointwiseOperands } from './pointwise.js';
import { cos, exp, isNan, neg, sigmoid, sign, sin, square } from './unary.js';
import { where } from './where.js';

/** 1/√(2π). */
const density = 0.3989422804014327;

/** Rows whose derivative is not zero everywhere. */
type DifferentiableUnary = Exclude<UnaryName, 'sign' | 'floor' | 'isNan'>;
interface UnaryGrad {
  readonly g: Tensor;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly attrs: readonly number[];
}

// Gradient rules made of differentiable ops, one for every differentiable row (the type sees to that).
const rules: Readonly<Record<DifferentiableUnary, (context: UnaryGrad) => Tensor>> = {
  // Chosen, not multiplied: an infinite gradient that is blocked is 0, not NaN. A NaN input passes the gradient on.
  relu: ({ g, x }) => where(lessEqual(x, 0), 0, g),
  relu6: ({ g, x }) => where(lessEqual(x, 0), 0, where(greaterEqual(x, 6), 0, g)),
  sigmoid: ({ g, x }) => {
    const y = sigmoid(x);
    return mul(g, mul(y, sub(1, y)));
  },
  tanh: ({ g, y }) => mul(g, sub(1, square(y))),
  exp: ({ g, y }) => mul(g, y),
  log: ({ g, x }) => div(g, x),
  sin: ({ g, x }) => mul(g, cos(x)),
  cos: ({ g, x }) => neg(mul(g, sin(x))),
  sqrt: ({ g, y }) => mul(div(g, y), 0.5),
  rsqrt: ({ g, y }) => mul(mul(g, pow(y, 3)), -0.5),
  reciprocal: ({ g, y }) => neg(mul(g, square(y))),
  square: ({ g, x }) => mul(mul(g, x), 2),
  abs: ({ g, x }) => mul(g, sign(x)),
  neg: ({ g }) => neg(g),
  silu: ({ g, x }) => {
    const s = sigmoid(x);
    return mul(g, mul(s, add(mul(x, sub(1, s)), 1)));
  },
  gelu: ({ g, x, y }) => {
    // y / x is Φ(x), but not at 0, where Φ is ½ and the second term vanishes.
    const cdf = where(greater(square(x), 0), div(y, where(greater(square(x), 0), x, 1)), 0.5);
    return mul(g, add(cdf, mul(x, mul(exp(mul(square(x), -0.5)), density))));
  },
  softplus: ({ g, x }) => mul(g, sigmoid(x)),
  hardswish: ({ g, x }) => mul(g, where(lessEqual(x, -3), 0, where(less(x, 3), add(div(x, 3), 0.5), 1))),
  elu: ({ g, x, attrs: [alpha = 1] }) => where(greater(x, 0), g, mul(g, mul(exp(where(greater(x, 0), 0, x)), alpha))),
  leakyRelu: ({ g, x, attrs: [slope = 0.01] }) => where(greater(x, 0), g, mul(g, slope)),
  clamp: ({ g, x, attrs: [min = 0, max = 0] }) => where(add(add(less(x, min), greater(x, max)), isNan(x)), 0, g),
};

const hasRule = (row: UnaryName): row is DifferentiableUnary => row in rules;

/**
 * Their second rule (see `OpDef.backwardComposed`). It stands here and not with the ops, since it is made of the very ops that need it.
 */
export const composedUnary: Pick<OpDef<PointwiseAttrs, PointwiseOperands, ['y0']>, 'backwardComposed'> = {
  backwardComposed: ({ grads: { y0: g }, inputs: { x0: x }, outputs: { y0: y }, attrs: { f, attrs = [] } }) =>
    // Steps of the rule may be f32 in mixed precision.
    f.kind === 'unary' && hasRule(f.row) ? { x0: cast(rules[f.row]({ g, x, y, attrs }), x.dtype) } : {},
};
