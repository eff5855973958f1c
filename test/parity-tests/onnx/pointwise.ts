import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import { Dropout } from '@initlab/nn';
import { type Call, type Run, type Table, typeOf, type Values } from './call.js';

const unary =
  (f: (x: Tensor) => Tensor): Run =>
  (call) =>
    f(call.x(0));
const binary =
  (f: (x: Tensor, z: Tensor) => Tensor): Run =>
  (call) =>
    f(call.x(0), call.x(1));
const all =
  (f: (x: Tensor, z: Tensor) => Tensor): Run =>
  ({ all: operands }) =>
    operands.reduce((x, z) => f(x, z));

/** In evaluation, or with a probability of 0: draws are each library's own. */
function dropout(call: Call): Tensor {
  const layer = new Dropout(call.numbers(1)?.[0] ?? call.number('ratio', 0.5));
  return (call.numbers(2)?.[0] ? layer : layer.eval()).forward(call.x(0));
}

function clip(call: Call): Tensor {
  const [min, max] = [call.numbers(1)?.[0], call.numbers(2)?.[0]];
  return core.clamp(call.x(0), { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) });
}

export const pointwise: Table = {
  Abs: unary(core.abs),
  Ceil: unary((x) => core.neg(core.floor(core.neg(x)))),
  Celu: (call) => {
    const alpha = call.number('alpha', 1);
    return core.mul(core.elu(core.div(call.x(0), alpha)), alpha);
  },
  Cos: unary(core.cos),
  Elu: (call) => core.elu(call.x(0), call.number('alpha', 1)),
  Exp: unary(core.exp),
  Floor: unary(core.floor),
  HardSwish: unary(core.hardswish),
  Identity: unary(core.alias),
  IsNaN: unary(core.isNan),
  LeakyRelu: (call) => core.leakyRelu(call.x(0), call.number('alpha', 0.01)),
  Log: unary(core.log),
  Neg: unary(core.neg),
  // A slope for each element, or for each of the last dimension, where PyTorch's PReLU has one a channel.
  PRelu: binary((x, slope) => core.where(core.less(x, 0), core.mul(x, slope), x)),
  Reciprocal: unary(core.reciprocal),
  Relu: unary(core.relu),
  Selu: unary(core.selu),
  Sigmoid: unary(core.sigmoid),
  Sign: unary(core.sign),
  Sin: unary(core.sin),
  Softplus: unary(core.softplus),
  Sqrt: unary(core.sqrt),
  Tanh: unary(core.tanh),
  Add: binary(core.add),
  Div: binary(core.div),
  Equal: binary(core.equal),
  Greater: binary(core.greater),
  GreaterOrEqual: binary(core.greaterEqual),
  Less: binary(core.less),
  LessOrEqual: binary(core.lessEqual),
  Mul: binary(core.mul),
  Sub: binary(core.sub),
  // ONNX's result has the type of the base; ours, as PyTorch's, is a float where the exponent is one.
  Pow: (call) => core.cast(core.pow(call.x(0), call.x(1)), typeOf(call.of.outputs[0] as Values)),
  Max: all(core.maximum),
  Min: all(core.minimum),
  Sum: all(core.add),
  Mean: (call) => core.div(call.all.reduce(core.add), call.all.length),
  Clip: clip,
  Where: (call) => core.where(call.x(0), call.x(1), call.x(2)),
  Cast: (call) => core.cast(call.x(0), typeOf(call.of.outputs[0] as Values)),
  CastLike: (call) => core.cast(call.x(0), call.x(1).dtype),
  Dropout: dropout,
};
