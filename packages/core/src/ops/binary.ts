import { type BinaryName, binaryGradReads, type DType } from '@initlab/kernels';
import { OpError } from '../errors.js';
import { applyOne, type OpDef } from '../op.js';
import { Tensor } from '../tensor.js';
import { definePointwise, type PointwiseAttrs } from './pointwise.js';
import { sumTo } from './sum.js';

export type Operand = Tensor | number;
type Grad = (values: { g: Tensor; x: Operand; z: Operand; y: Tensor }) => Tensor;

const gradOp = definePointwise('binaryGrad');

/** The fused derivative towards one side: one kernel reading only what its expression names. */
function fusedGrad(row: BinaryName, side: 0 | 1): Grad {
  return ({ g, x, z, y }) => {
    const reads = binaryGradReads(row, side);
    const operands: Tensor[] = [g];
    const place = (value: Operand, read: boolean): PointwiseAttrs['args'][number] => {
      if (!read) return { scalar: 0 };
      if (typeof value === 'number') return { scalar: value };
      operands.push(value);
      return { operand: operands.length - 1 };
    };
    const args = [{ operand: 0 }, place(x, reads.x), place(z, reads.z), place(y, reads.y)];
    if (!reads.x && !reads.z && !reads.y && row !== 'sub') return g;
    return applyOne(gradOp, operands, { f: { kind: 'binaryGrad', row, side }, args });
  };
}

/** Gradients made of differentiable ops, for `createGraph`. */
const composed: Partial<Record<BinaryName, readonly [Grad, Grad]>> = {
  add: [({ g }) => g, ({ g }) => g],
  sub: [({ g }) => g, ({ g }) => mul(g, -1)],
  mul: [({ g, z }) => mul(g, z), ({ g, x }) => mul(g, x)],
  div: [({ g, z }) => div(g, z), ({ g, z, y }) => mul(div(mul(g, y), z), -1)],
  maximum: [({ g, x, z }) => mul(g, share(x, z)), ({ g, x, z }) => mul(g, share(z, x))],
  minimum: [({ g, x, z }) => mul(g, share(z, x)), ({ g, x, z }) => mul(g, share(x, z))],
};

/** 1 where a > b, ½ at ties, 0 elsewhere. */
const share = (a: Operand, b: Operand): Tensor => add(binary('greater', a, b), mul(binary('equal', a, b), 0.5));

function makeOp(row: BinaryName): OpDef<PointwiseAttrs> {
  const rules = composed[row];
  if (!rules) return definePointwise(row);
  const back =
    (grads: readonly [Grad, Grad]): NonNullable<OpDef<PointwiseAttrs>['backward']> =>
    ({ grads: [g], inputs, outputs: [y], attrs, needs }) => {
      if (!g || !y) return [];
      const value = (i: number): Operand => {
        const arg = attrs.args[i] as PointwiseAttrs['args'][number];
        return 'scalar' in arg ? arg.scalar : (inputs[arg.operand] as Tensor);
      };
      const found: (Tensor | undefined)[] = [undefined, undefined];
      attrs.args.forEach((arg, i) => {
        if (!('operand' in arg) || !needs[arg.operand]) return;
        const gradient = grads[i as 0 | 1]({ g, x: value(0), z: value(1), y });
        found[arg.operand] = sumTo(gradient, (inputs[arg.operand] as Tensor).shape);
      });
      return found;
    };
  return definePointwise(row, { backward: back([fusedGrad(row, 0), fusedGrad(row, 1)]), backwardComposed: back(rules) });
}

const ops = new Map<BinaryName, OpDef<PointwiseAttrs>>();

function binary(row: BinaryName, x: Operand, z: Operand): Tensor {
  let op = ops.get(row);
  if (!op) {
    op = makeOp(row);
    ops.set(row, op);
  }
  const operands: Tensor[] = [];
  const args = [x, z].map((value) => {
    if (!(value instanceof Tensor)) {
      if (typeof value !== 'number') throw new OpError(row, `operands are tensors or numbers, got ${typeof value}`);
      return { scalar: value };
    }
    operands.push(value);
    return { operand: operands.length - 1 };
  });
  const [first, second] = operands;
  if (!first) throw new OpError(row, 'needs at least one tensor');
  if (second && second.dtype !== first.dtype) throw new OpError(row, `operands are ${first.dtype} and ${second.dtype}; cast() one`);
  return applyOne(op, operands, { f: { kind: 'binary', row }, args, dtype: resultType(row, first.dtype) });
}

const comparisons: ReadonlySet<string> = new Set(['greater', 'greaterEqual', 'less', 'lessEqual', 'equal', 'notEqual']);
/** Comparisons give 0 or 1 as floats, ready to multiply with. */
const resultType = (row: BinaryName, dtype: DType): DType => (comparisons.has(row) && dtype !== 'f16' ? 'f32' : dtype);

/** x + z, with PyTorch's broadcasting. Either may be a number; so for all below. */
export const add = (x: Operand, z: Operand): Tensor => binary('add', x, z);
/** x − z. */
export const sub = (x: Operand, z: Operand): Tensor => binary('sub', x, z);
/** x · z, element by element. */
export const mul = (x: Operand, z: Operand): Tensor => binary('mul', x, z);
/** x / z, element by element. */
export const div = (x: Operand, z: Operand): Tensor => binary('div', x, z);
/** The larger of both; NaN wins. A tie shares the gradient evenly. */
export const maximum = (x: Operand, z: Operand): Tensor => binary('maximum', x, z);
/** The smaller of both; NaN wins. A tie shares the gradient evenly. */
export const minimum = (x: Operand, z: Operand): Tensor => binary('minimum', x, z);
/** 1 where x > z, else 0; not differentiable (as the other comparisons). */
export const greater = (x: Operand, z: Operand): Tensor => binary('greater', x, z);
export const greaterEqual = (x: Operand, z: Operand): Tensor => binary('greaterEqual', x, z);
export const less = (x: Operand, z: Operand): Tensor => binary('less', x, z);
export const lessEqual = (x: Operand, z: Operand): Tensor => binary('lessEqual', x, z);
export const equal = (x: Operand, z: Operand): Tensor => binary('equal', x, z);
export const notEqual = (x: Operand, z: Operand): Tensor => binary('notEqual', x, z);
