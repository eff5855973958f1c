import { planFill, planWeightNorm, type WeightNormProblem } from '@initlab/kernels';
import { OpError, showShape } from '../errors.js';
import { apply, defineOp, type OpDef } from '../op.js';
import { sameShape, sizeOf, type TensorSpec } from '../spec.js';
import type { Tensor } from '../tensor.js';
import { div, equal, mul, sub } from './binary.js';
import { sum } from './sum.js';
import { sqrt, square } from './unary.js';
import { where } from './where.js';

const problemOf = (v: TensorSpec | undefined): WeightNormProblem => {
  const [rows = 1, ...rest] = v?.shape ?? [];
  return { rows, length: sizeOf(rest) };
};
const others = (v: Tensor): number[] => v.shape.flatMap((_, i) => (i === 0 ? [] : [i]));
const rowMajor = (spec: TensorSpec | undefined): TensorSpec => ({ ...(spec as TensorSpec), format: 'rowMajor' });

const gradOp = defineOp<null>({
  name: 'weightNormGrad',
  inputs: ['dw', 'v', 'g', 'norm'],
  outputs: ['dv', 'dg'],
  formats: () => ['rowMajor', 'rowMajor', 'rowMajor', 'rowMajor'],
  infer: ([, v, g]) => [rowMajor(v), rowMajor(g)],
  plan: ({ inputs: [, v], target }) => planWeightNorm(problemOf(v), 'backward', target),
  // Of channels of no weights, whose norm is 0: 0 / 0, as of a channel of zeros.
  planEmpty: ({ outputs: [, dg], target }) =>
    planFill({ slot: 'dg', count: sizeOf(dg?.shape ?? []), value: Number.NaN, dtype: 'f32' }, target),
});
const weightNormOp: OpDef<null> = defineOp<null>({
  name: 'weightNorm',
  inputs: ['v', 'g'],
  outputs: ['w', 'norm'],
  formats: () => ['rowMajor', 'rowMajor'],
  infer: ([v]) => [rowMajor(v), { shape: [v?.shape[0] ?? 1], dtype: 'f32', format: 'rowMajor' }],
  plan: ({ inputs: [v], target }) => planWeightNorm(problemOf(v), 'forward', target),
  backward: ({ grads: [dw], inputs: [v, g], outputs: [, norm] }) => (dw ? apply(gradOp, [dw, v, g, norm], null) : []),
  backwardComposed: ({ grads: [dw], inputs: [v, g] }) => {
    if (!dw || !v || !g) return [];
    const over = { dims: others(v), keepdim: true };
    const squares = sum(square(v), over);
    // As the kernels: what is divided by the norm of a row of zeros is 0. The 1 keeps √ and ÷ differentiable there.
    const zero = equal(squares, 0);
    const norm = sqrt(where(zero, 1, squares));
    const overNorm = (x: Tensor): Tensor => where(zero, 0, div(x, norm));
    const dg = overNorm(sum(mul(dw, v), over));
    return [mul(overNorm(g), sub(dw, mul(v, overNorm(dg)))), dg];
  },
});

/**
 * Weight normalisation w = g · v / ‖v‖, the norm over each output channel (PyTorch's `weight_norm` with dim 0,
 * arXiv:1602.07868). `v` has the weight's shape, `g` the same rank with every size 1 but the first. A channel
 * of zeros has no direction: it stays 0, and so do its gradients (PyTorch gives NaN).
 */
export function weightNorm(v: Tensor, g: Tensor): Tensor {
  const wanted = v.shape.map((d, i) => (i === 0 ? d : 1));
  if (!sameShape(g.shape, wanted))
    throw new OpError('weightNorm', `g ${showShape(g.shape)} should be ${showShape(wanted)} for v ${showShape(v.shape)}`);
  for (const [name, x] of [
    ['v', v],
    ['g', g],
  ] as const)
    if (x.dtype !== 'f32') throw new OpError('weightNorm', `takes f32, got ${x.dtype} as ${name}; cast() it first`);
  return apply(weightNormOp, [v, g], null)[0] as Tensor;
}
