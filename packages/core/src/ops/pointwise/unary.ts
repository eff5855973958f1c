import { type UnaryName, unaryGradReads, unaryRows } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { wholeRanges } from '../../checks/check-values.js';
import { OpError, showValue } from '../../checks/errors.js';
import { getOrMake } from '../../get-or-make.js';
import { OpFamily } from '../../op/graph-node.js';
import { applyOne } from '../../op/op.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { besideWhole, checkFloat, isFloat, promoted } from '../arguments/operands.js';
import { cast, lifted } from './cast.js';
import { definePointwise, type PointwiseAttrs, type PointwiseOp, type PointwiseOperands, pointwiseOperands } from './pointwise.js';

const gradOp = definePointwise('unaryGrad');

/** The fused derivative of a row: one kernel reading only what its expression names. */
function fusedGrad(row: UnaryName, values: { g: Tensor; x: Tensor; y: Tensor; attrs: readonly number[] }): Tensor {
  const reads = unaryGradReads(row);
  const operands = [values.g, ...(reads.x ? [values.x] : []), ...(reads.y ? [values.y] : [])] as const;
  const none = { scalar: 0 };
  const x = reads.x ? { operand: 1 } : none;
  const y = reads.y ? { operand: reads.x ? 2 : 1 } : none;
  return applyOne(gradOp, pointwiseOperands(operands), {
    f: { kind: 'unaryGrad', row },
    args: [{ operand: 0 }, x, y],
    attrs: values.attrs,
  });
}

/** Those with a derivative. Their second rules are in unary-composed.ts, which is made of them. */
export const differentiableUnary = new OpFamily<PointwiseAttrs, PointwiseOperands, ['y0']>();

const makeOp = (row: UnaryName): PointwiseOp =>
  'backward' in unaryRows[row]
    ? differentiableUnary.add(
        definePointwise(row, {
          backward: ({ grads: { y0: g }, inputs: { x0: x }, outputs: { y0: y }, attrs }) => ({
            x0: fusedGrad(row, { g, x, y, attrs: attrs.attrs ?? [] }),
          }),
        }),
      )
    : definePointwise(row);

/** What soon leaves f16's range or its digits: taken in f32 in mixed precision, as PyTorch's autocast does. */
const wide: ReadonlySet<UnaryName> = new Set(['square', 'rsqrt', 'reciprocal', 'exp', 'log', 'softplus']);

const ops = new Map<UnaryName, PointwiseOp>();

function unary(row: UnaryName, input: Tensor, attrs?: readonly number[]): Tensor {
  if ('whole' in unaryRows[row]) checkTensor(row, input);
  else checkFloat(row, input);
  const x = wide.has(row) ? lifted(input) : input;
  return applyOne(
    getOrMake(ops, row, makeOp),
    { x0: x },
    { f: { kind: 'unary', row }, args: [{ operand: 0 }], ...(attrs ? { attrs } : {}) },
  );
}

/**
 * max(x, 0); NaN stays NaN. All of these work element by element on f32 and f16; `relu`, `square`, `abs`, `neg`, `sign`, `floor` and
 * `clamp` also on whole numbers, which stay whole to the last digit and wrap; the others throw `OpError` for them. In mixed precision
 * `square`, `rsqrt`, `reciprocal`, `exp`, `log` and `softplus` of f16 are f32.
 */
export const relu = (x: Tensor): Tensor => unary('relu', x);
/** min(max(x, 0), 6). */
export const relu6 = (x: Tensor): Tensor => unary('relu6', x);
/** 1 / (1 + e^−x). */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', x);
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unary('tanh', x);
/** e^x. */
export const exp = (x: Tensor): Tensor => unary('exp', x);
/** Natural logarithm; −∞ at 0, NaN below. */
export const log = (x: Tensor): Tensor => unary('log', x);
/** Sine of x in radians. */
export const sin = (x: Tensor): Tensor => unary('sin', x);
/** Cosine of x in radians. */
export const cos = (x: Tensor): Tensor => unary('cos', x);
/** √x; NaN below 0. */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', x);
/** 1 / √x. */
export const rsqrt = (x: Tensor): Tensor => unary('rsqrt', x);
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => unary('reciprocal', x);
/** x². */
export const square = (x: Tensor): Tensor => unary('square', x);
/** |x|; its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => unary('abs', x);
/** −x. */
export const neg = (x: Tensor): Tensor => unary('neg', x);
/** −1, 0 or 1; not differentiable. */
export const sign = (x: Tensor): Tensor => unary('sign', x);
/** Largest whole number ≤ x, of the type of x; not differentiable. */
export const floor = (x: Tensor): Tensor => unary('floor', x);
/** x · sigmoid(x), also called swish. */
export const silu = (x: Tensor): Tensor => unary('silu', x);
/** x · Φ(x), with the exact normal distribution function (PyTorch's default `approximate='none'`). */
export const gelu = (x: Tensor): Tensor => unary('gelu', x);
/** log(1 + e^x). */
export const softplus = (x: Tensor): Tensor => unary('softplus', x);
/** x · relu6(x + 3) / 6. */
export const hardswish = (x: Tensor): Tensor => unary('hardswish', x);
/** x above zero, α (e^x − 1) below. */
export function elu(x: Tensor, alpha = 1): Tensor {
  checkNumber('elu', { alpha });
  return unary('elu', x, [alpha]);
}
/** x above zero, slope · x below (PyTorch's default slope 0.01). */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  checkNumber('leakyRelu', { negativeSlope });
  return unary('leakyRelu', x, [negativeSlope]);
}
/** x limited to [min, max]; a missing bound does not limit. NaN stays NaN. Of whole numbers under a fraction it is f32. */
export function clamp(x: Tensor, bounds: { min?: number; max?: number }): Tensor {
  checkOptions('clamp', bounds, ['min', 'max']);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = bounds;
  for (const [name, bound] of Object.entries({ min, max }))
    if (typeof bound !== 'number' || Number.isNaN(bound))
      throw new OpError('clamp', `${name} is ${showValue(bound)}; give a number, or leave it out`);
  checkTensor('clamp', x);
  const dtype = promoted('clamp', [x, ...[min, max].filter(Number.isFinite)]);
  const range = wholeRanges[dtype];
  if (!range) return isFloat(x.dtype) ? unary('clamp', x, [min, max]) : unary('clamp', cast(x, dtype), [min, max]);
  const bound = (value: number, beyond: 'noLower' | 'noUpper'): number =>
    besideWhole('clamp', Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE), { dtype, beyond });
  return unary('clamp', x, [bound(min, 'noLower'), bound(max, 'noUpper')]);
}
/** 1 where x is NaN, else 0. */
export const isNan = (x: Tensor): Tensor => unary('isNan', x);
