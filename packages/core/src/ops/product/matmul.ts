import { matmulTunable, solve, type Tunable } from '@initlab/kernels';
import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp, type Op, type SpecContext } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { broadcastShapes, floatType, rowMajor, sizeOf } from '../../storage/spec.js';
import { checkTensorOptions, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { lifted } from '../pointwise/cast.js';
import { expand, sum } from '../sum/sum.js';
import { planBiasRows } from '../views/bias-rows.js';
import { reshape } from '../views/reshape.js';
import { batchedProduct, productGrads, type Transposes } from './batched-matmul.js';

type Operands = ['a', 'b', 'bias?'];

function tunable({ inputs: { a, b, bias }, attrs }: SpecContext<Transposes, Operands, ['y']>): Tunable {
  const { transposeA, transposeB } = attrs;
  const dtype = floatType(a.dtype);
  return matmulTunable({ ...sizes(a.shape, b.shape, attrs), transposeA, transposeB, dtype, bias: bias !== undefined });
}

const matmulOp: Op<Transposes, Operands, ['y']> = defineOp<Transposes>()({
  name: 'matmul',
  inputs: ['a', 'b', 'bias?'],
  outputs: ['y'],
  infer: ({ a, b }, attrs) => {
    const { m, n } = sizes(a.shape, b.shape, attrs);
    return { y: rowMajor([m, n], a.dtype) };
  },
  tunable,
  plan: (context) => solve(tunable(context), context.target),
  planEmpty: ({ inputs: { bias }, outputs: { y }, target }) => planBiasRows({ y, bias }, target),
  backward: (context) => ({
    ...productGrads(product, context),
    bias: context.needs.bias ? sum(context.grads.y, { dims: [0] }) : undefined,
  }),
  backwardDifferentiable: true,
});

function sizes(a: readonly number[], b: readonly number[], { transposeA, transposeB }: Transposes): { m: number; n: number; k: number } {
  const [m = 0, k = 0] = transposeA ? [a[1], a[0]] : a;
  const [, n = 0] = transposeB ? [b[1], b[0]] : b;
  return { m, n, k };
}

const product = (a: Tensor, b: Tensor, attrs: Transposes): Tensor => applyOne(matmulOp, { a, b }, attrs);

function checkAlike(op: string, ...operands: readonly (Tensor | undefined)[]): void {
  const types = operands.flatMap((x) => (x ? [x.dtype] : []));
  if (types.some((t) => t !== types[0] || (t !== 'f32' && t !== 'f16')))
    throw new OpError(op, `takes operands all f32 or all f16, got ${types.join(', ')}; cast() them alike`);
}

/**
 * Matrix product of [..., m, k] and [..., k, n] (PyTorch's `matmul`, `mm`, `bmm`): leading dimensions broadcast, a vector on the left is a
 * row, on the right a column, and two give the scalar product. f32 or f16; sums are f32.
 */
export function matmul(left: Tensor, right: Tensor): Tensor {
  checkTensors('matmul', { a: left, b: right });
  using whole = new AllOrNothing();
  const [a, b] = [lifted(left), lifted(right)];
  if (a.ndim === 0 || b.ndim === 0) throw new OpError('matmul', 'takes matrices or vectors, got a scalar; mul() multiplies by one');
  const [row, column] = [a.ndim === 1, b.ndim === 1];
  const [m, k] = row ? [1, a.size] : (a.shape.slice(-2) as [number, number]);
  const [inner, n] = column ? [b.size, 1] : (b.shape.slice(-2) as [number, number]);
  if (k !== inner)
    throw new OpError('matmul', `takes [m, k] and [k, n], got ${showShape(a.shape)} and ${showShape(b.shape)}: k is ${k} and ${inner}`);
  checkAlike('matmul', a, b);
  if (a.ndim === 2 && b.ndim === 2) return whole.done(product(a, b, plain));
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch)
    throw new OpError(
      'matmul',
      `leading dimensions of ${showShape(a.shape)} and ${showShape(b.shape)} do not broadcast: they must be equal or 1`,
    );
  const shape = [...batch, ...(row ? [] : [m]), ...(column ? [] : [n])];
  // One matrix for all is a product with all rows in one.
  if (b.ndim <= 2) return whole.done(reshape(product(reshape(a, [sizeOf(batch) * m, k]), reshape(b, [k, n]), plain), shape));
  const count = sizeOf(batch);
  const each = (x: Tensor, rows: number, columns: number): Tensor => reshape(expand(x, [...batch, rows, columns]), [count, rows, columns]);
  return whole.done(
    reshape(batchedProduct(each(row ? reshape(a, [1, k]) : a, m, k), each(column ? reshape(b, [k, 1]) : b, k, n), plain), shape),
  );
}

const plain: Transposes = { transposeA: false, transposeB: false };

/** input · weightᵀ + bias (PyTorch's `F.linear`): `input` [..., in], `weight` [out, in], `bias` [out] → [..., out]. */
export function linear(input: Tensor, weight: Tensor, options: { bias?: Tensor | undefined } = {}): Tensor {
  checkOptions('linear', options, ['bias']);
  const { bias } = options;
  checkTensors('linear', { x: input, weight });
  checkTensorOptions('linear', { bias });
  using whole = new AllOrNothing();
  const x = lifted(input);
  const inputs = x.shape.at(-1);
  if (x.ndim < 1 || weight.ndim !== 2)
    throw new OpError('linear', `takes x [..., in] and weight [out, in], got ${showShape(x.shape)} and ${showShape(weight.shape)}`);
  if (weight.shape[1] !== inputs)
    throw new OpError(
      'linear',
      `weight ${showShape(weight.shape)} takes ${weight.shape[1]} features, but the last size of x ${showShape(x.shape)} is ${inputs}`,
    );
  if (bias && (bias.ndim !== 1 || bias.size !== weight.shape[0]))
    throw new OpError('linear', `bias ${showShape(bias.shape)} should be [${weight.shape[0]}]`);
  checkAlike('linear', x, weight, bias);
  const rows = x.ndim === 2 ? x : reshape(x, [sizeOf(x.shape.slice(0, -1)), inputs as number]);
  const y = applyOne(matmulOp, { a: rows, b: weight, bias }, { transposeA: false, transposeB: true });
  return whole.done(x.ndim === 2 ? y : reshape(y, [...x.shape.slice(0, -1), weight.shape[0] as number]));
}
