import { checkTensor } from '../checks/check-tensor.js';
import { showValue } from '../checks/check-options.js';
import { OpError } from '../checks/errors.js';
import { lifted } from '../op/autocast.js';
import { applyOne, type BackwardRule } from '../op/op.js';
import { Tensor } from '../tensor/tensor.js';
import { definePointwise, type PointwiseAttrs } from './pointwise.js';
import { promoted } from './promote.js';
import { sumTo } from './sum.js';
import { AllOrNothing } from '../tensor/scope.js';

const back: BackwardRule<PointwiseAttrs> = ({ grads: [g], inputs, attrs, needs }) => {
  const condition = inputs[0] as Tensor;
  const found: (Tensor | undefined)[] = inputs.map(() => undefined);
  attrs.args.forEach((arg, i) => {
    if (!g || i === 0 || !('operand' in arg) || !needs[arg.operand]) return;
    const gradient = i === 1 ? where(condition, g, 0) : where(condition, 0, g);
    found[arg.operand] = sumTo(gradient, (inputs[arg.operand] as Tensor).shape);
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
  const operands: Tensor[] = [condition];
  const args = [a, b].map((value) => {
    if (!(value instanceof Tensor)) {
      if (typeof value !== 'number') throw new OpError('where', `choices are tensors or numbers, got ${showValue(value)}`);
      return { scalar: value };
    }
    operands.push(value);
    return { operand: operands.length - 1 };
  });
  const y = applyOne(whereOp, operands, { f: { kind: 'where' }, args: [{ operand: 0 }, ...args], dtype: promoted('where', [a, b]) });
  return whole ? whole.done(y) : y;
}
