import { type BinaryName, binaryGradReads, type DType } from '@initlab/kernels';
import { wholeRanges } from '../../checks/check-values.js';
import { OpError, showValue } from '../../checks/errors.js';
import { getOrMake } from '../../get-or-make.js';
import { applyOne } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { Tensor } from '../../tensor/tensor.js';
import { type Beyond, besideWhole, isFloat, promoted } from '../arguments/operands.js';
import { sumTo } from '../sum/sum.js';
import { cast, lifted } from './cast.js';
import { definePointwise, type PointwiseAttrs, type PointwiseOp, type PointwiseRule, pointwiseOperands } from './pointwise.js';
import { log } from './unary.js';
import { where } from './where.js';

/** What a pointwise op takes beside a tensor: another one, or a number. */
export type Operand = Tensor | number;
type Grad = (values: { g: Tensor; x: Operand; z: Operand; y: Tensor }) => Tensor;

const comparisons = ['greater', 'greaterEqual', 'less', 'lessEqual', 'equal', 'notEqual'] as const satisfies readonly BinaryName[];
type Comparison = (typeof comparisons)[number];
const isComparison = (row: BinaryName): row is Comparison => (comparisons as readonly BinaryName[]).includes(row);

const gradOp = definePointwise('binaryGrad');

/** The fused derivative towards one side: one kernel reading only what its expression names. */
function fusedGrad(row: BinaryName, side: 0 | 1): Grad {
  return ({ g, x, z, y }) => {
    const reads = binaryGradReads(row, side);
    const operands: [Tensor, ...Tensor[]] = [g];
    const place = (value: Operand, read: boolean): PointwiseAttrs['args'][number] => {
      if (!read) return { scalar: 0 };
      if (typeof value === 'number') return { scalar: value };
      operands.push(value);
      return { operand: operands.length - 1 };
    };
    const args = [{ operand: 0 }, place(x, reads.x), place(z, reads.z), place(y, reads.y)];
    if (!reads.x && !reads.z && !reads.y && row !== 'sub') return g;
    return applyOne(gradOp, pointwiseOperands(operands), { f: { kind: 'binaryGrad', row, side }, args });
  };
}

/** Gradients made of differentiable ops, for `createGraph`. */
const composed: Readonly<Record<Exclude<BinaryName, Comparison>, readonly [Grad, Grad]>> = {
  add: [({ g }) => g, ({ g }) => g],
  sub: [({ g }) => g, ({ g }) => mul(g, -1)],
  mul: [({ g, z }) => mul(g, z), ({ g, x }) => mul(g, x)],
  div: [({ g, z }) => div(g, z), ({ g, z, y }) => mul(div(mul(g, y), z), -1)],
  pow: [({ g, x, z }) => powGradBase(g, x as Tensor, z), ({ g, x, z }) => powGradExponent(g, x, z as Tensor)],
  maximum: [({ g, x, z }) => share(g, less(x, z), equal(x, z)), ({ g, x, z }) => share(g, greater(x, z), equal(x, z))],
  minimum: [({ g, x, z }) => share(g, greater(x, z), equal(x, z)), ({ g, x, z }) => share(g, less(x, z), equal(x, z))],
};

// An exponent (or a base under an exponent ≥ 0) of 0 gives 0, where the formulas would have 0 · ∞.
function powGradBase(g: Tensor, x: Tensor, z: Operand): Tensor {
  if (typeof z === 'number') return z === 0 ? mul(g, 0) : mul(g, mul(pow(x, z - 1), z));
  return where(equal(z, 0), 0, mul(g, mul(pow(x, sub(z, 1)), z)));
}
function powGradExponent(g: Tensor, x: Operand, z: Tensor): Tensor {
  if (typeof x === 'number' && x !== 0) return mul(g, mul(pow(x, z), Math.log(x)));
  const base = typeof x === 'number' ? mul(z, 0) : cast(x, z.dtype);
  const flat = mul(equal(base, 0), greaterEqual(z, 0));
  const safe = where(flat, 1, base);
  return where(flat, 0, mul(g, mul(pow(safe, z), log(safe))));
}

/** The gradient of the operand that is taken; half of it at ties. */
const share = (g: Tensor, lost: Tensor, tie: Tensor): Tensor => where(lost, 0, where(tie, mul(g, 0.5), g));

function makeOp(row: BinaryName): PointwiseOp {
  if (isComparison(row)) return definePointwise(row);
  const rules = composed[row];
  const back =
    (grads: readonly [Grad, Grad]): PointwiseRule =>
    ({ grads: { y0: g }, inputs, outputs: { y0: y }, attrs, needs }) => {
      const value = (i: 0 | 1): Operand => {
        const arg = attrs.args[i] as PointwiseAttrs['args'][number];
        return 'scalar' in arg ? arg.scalar : ((arg.operand === 0 ? inputs.x0 : inputs.x1) as Tensor);
      };
      const found: { x0?: Tensor; x1?: Tensor } = {};
      attrs.args.forEach((arg, i) => {
        if (!('operand' in arg)) return;
        const slot = arg.operand === 0 ? 'x0' : 'x1';
        const operand = inputs[slot];
        if (!operand || !needs[slot]) return;
        const summed = sumTo(grads[i as 0 | 1]({ g, x: value(0), z: value(1), y }), operand.shape);
        // Steps of a composed rule may be f32 in mixed precision.
        found[slot] = operand.dtype === 'f16' ? cast(summed, 'f16') : summed;
      });
      return found;
    };
  return definePointwise(row, { backward: back([fusedGrad(row, 0), fusedGrad(row, 1)]), backwardComposed: back(rules) });
}

/** What mixed precision takes in f32, as PyTorch's autocast does: powers (x · x is one) and reciprocals leave f16's range. */
const isWide = (row: BinaryName, x: Operand, z: Operand): boolean =>
  row === 'pow' || (row === 'mul' && x === z) || (row === 'div' && typeof x === 'number');

type Tensors = readonly [Tensor, ...Tensor[]];

/** The operands as mixed precision takes them then; one that stands twice is converted once. */
function inF32([x, z]: Tensors): Tensors {
  const first = lifted(x);
  return z === undefined ? [first] : [first, z === x ? first : lifted(z)];
}

const ops = new Map<BinaryName, PointwiseOp>();

/** What is made of a number out of range of whole numbers beside it; of others, it is refused. A quotient is a fraction. */
const beyonds: Partial<Record<BinaryName, Beyond>> = {
  add: 'wraps',
  sub: 'wraps',
  mul: 'wraps',
  minimum: 'noUpper',
  maximum: 'noLower',
};

/** What a comparison with a number beyond all of their type gives of whole numbers: in f32 the largest of them would reach it. */
function beyondAll(row: Comparison, x: Operand, z: Operand): Tensor | undefined {
  const [tensor, value] = typeof x === 'number' ? [z, x] : [x, z];
  if (!(tensor instanceof Tensor) || typeof value !== 'number') return undefined;
  const range = wholeRanges[tensor.dtype];
  if (!range || !Number.isInteger(value) || (value >= range[0] && value <= range[1])) return undefined;
  const firstIsMore = value > range[1] === (value === x);
  const holds = row === 'notEqual' || (row !== 'equal' && row.startsWith('greater') === firstIsMore);
  return binary(holds ? 'greaterEqual' : 'less', tensor, range[0]);
}

function binary(row: BinaryName, x: Operand, z: Operand): Tensor {
  const decided = isComparison(row) ? beyondAll(row, x, z) : undefined;
  if (decided) return decided;
  const op = getOrMake(ops, row, makeOp);
  const operands: Tensor[] = [];
  for (const value of [x, z]) {
    if (value instanceof Tensor) operands.push(value);
    else if (typeof value !== 'number') throw new OpError(row, `operands are tensors or numbers, got ${showValue(value)}`);
  }
  const [first, second] = operands;
  if (!first) throw new OpError(row, 'needs at least one tensor');
  const mixed = second !== undefined && second.dtype !== first.dtype;
  const inWide = mixed || isWide(row, x, z);
  using whole = inWide ? new AllOrNothing() : undefined;
  const tensors: Tensors = second ? [first, second] : [first];
  const alike = inWide ? inF32(tensors) : tensors;
  const dtype = promoted(row, [typeof x === 'number' ? x : alike[0], typeof z === 'number' ? z : alike.at(-1)]);
  if (row === 'pow' && typeof z === 'number' && z < 0 && !isFloat(dtype))
    throw new OpError(row, `${dtype} to the negative power ${z} is no whole number; cast() it first, e.g. .to('f32')`);
  let next = 0;
  const args = [x, z].map((value) =>
    typeof value === 'number' ? { scalar: besideWhole(row, value, { dtype, beyond: beyonds[row] ?? 'refused' }) } : { operand: next++ },
  );
  const y = applyOne(op, pointwiseOperands(alike), { f: { kind: 'binary', row }, args, dtype: resultType(row, dtype) });
  return whole ? whole.done(y) : y;
}

/** Comparisons give 0 or 1, and quotients fractions: both are floats, whatever the operands. */
const resultType = (row: BinaryName, dtype: DType): DType => ((isComparison(row) || row === 'div') && !isFloat(dtype) ? 'f32' : dtype);

/**
 * x + z (PyTorch's `add`), with its broadcasting. Either may be a number; so for all below. Whole numbers (i32, u32) stay so
 * among themselves and become floats beside a float tensor or a fraction; sums, differences and products that are none of their type
 * wrap. f16 and f32 tensors do not mix: `cast` one.
 */
export const add = (x: Operand, z: Operand): Tensor => binary('add', x, z);
/** x − z. */
export const sub = (x: Operand, z: Operand): Tensor => binary('sub', x, z);
/** x · z, element by element. */
export const mul = (x: Operand, z: Operand): Tensor => binary('mul', x, z);
/** x / z, element by element (PyTorch's true division: of whole numbers it is f32). */
export const div = (x: Operand, z: Operand): Tensor => binary('div', x, z);
/** x to the power z; NaN for a negative base under a fraction. A whole-number tensor takes no negative number as z. */
export const pow = (x: Operand, z: Operand): Tensor => binary('pow', x, z);
/** The larger of both; NaN wins. A tie shares the gradient evenly. */
export const maximum = (x: Operand, z: Operand): Tensor => binary('maximum', x, z);
/** The smaller of both; NaN wins. A tie shares the gradient evenly. */
export const minimum = (x: Operand, z: Operand): Tensor => binary('minimum', x, z);
/** 1 where x > z, else 0, as floats ready to multiply with (f16 of f16, else f32); not differentiable. So the five below. */
export const greater = (x: Operand, z: Operand): Tensor => binary('greater', x, z);
/** 1 where x ≥ z, else 0 (PyTorch's `ge`). */
export const greaterEqual = (x: Operand, z: Operand): Tensor => binary('greaterEqual', x, z);
/** 1 where x < z, else 0 (PyTorch's `lt`). */
export const less = (x: Operand, z: Operand): Tensor => binary('less', x, z);
/** 1 where x ≤ z, else 0 (PyTorch's `le`). */
export const lessEqual = (x: Operand, z: Operand): Tensor => binary('lessEqual', x, z);
/** 1 where x = z, else 0 (PyTorch's `eq`, element by element); NaN equals nothing. */
export const equal = (x: Operand, z: Operand): Tensor => binary('equal', x, z);
/** 1 where x ≠ z, else 0 (PyTorch's `ne`); NaN differs from everything. */
export const notEqual = (x: Operand, z: Operand): Tensor => binary('notEqual', x, z);
