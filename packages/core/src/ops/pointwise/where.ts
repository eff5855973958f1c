import { OpError, showValue } from '../../checks/errors.js';
import { applyOne } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import { Tensor } from '../../tensor/tensor.js';
import { besideWhole, promoted } from '../arguments/operands.js';
import { sumTo } from '../sum/sum.js';
import { lifted } from './cast.js';
import { definePointwise, type PointwiseRule, pointwiseOperands } from './pointwise.js';

const back: PointwiseRule = ({ grads: { y0: g }, inputs, attrs, needs }) => {
  const found: { x1?: Tensor; x2?: Tensor } = {};
  attrs.args.forEach((arg, i) => {
    if (i === 0 || !('operand' in arg)) return;
    const slot = arg.operand === 1 ? 'x1' : 'x2';
    const operand = inputs[slot];
    if (!operand || !needs[slot]) return;
    found[slot] = sumTo(i === 1 ? where(inputs.x0, g, 0) : where(inputs.x0, 0, g), operand.shape);
  });
  return found;
};
const whereOp = definePointwise('where', { backward: back, backwardDifferentiable: true });

/**
 * `first` where `condition` is not 0, else `second` (PyTorch's `where`); all broadcast. Choices meet as in `add`: whole numbers
 * beside floats become floats.
 */
export function where(condition: Tensor, first: Tensor | number, second: Tensor | number): Tensor {
  checkTensor('where', condition, 'condition');
  const mixed = first instanceof Tensor && second instanceof Tensor && first.dtype !== second.dtype;
  using whole = mixed ? new AllOrNothing() : undefined;
  const [a, b] = mixed ? [lifted(first), lifted(second)] : [first, second];
  const dtype = promoted('where', [a, b]);
  const operands: [Tensor, ...Tensor[]] = [condition];
  const args = [a, b].map((value) => {
    if (!(value instanceof Tensor)) {
      if (typeof value !== 'number') throw new OpError('where', `choices are tensors or numbers, got ${showValue(value)}`);
      return { scalar: besideWhole('where', value, { dtype, beyond: 'refused' }) };
    }
    operands.push(value);
    return { operand: operands.length - 1 };
  });
  const y = applyOne(whereOp, pointwiseOperands(operands), {
    f: { kind: 'where' },
    args: [{ operand: 0 }, ...args],
    dtype,
  });
  return whole ? whole.done(y) : y;
}
