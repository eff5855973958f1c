import { planFills } from '@initlab/kernels';
import { getOrMake } from '../get-or-make.js';
import { isEmpty, sizeOf, type TensorSpec } from '../storage/spec.js';
import { noPlan, type Op, type OpDef } from './op-def.js';
import { type Named, present } from './slots.js';

interface Specs {
  readonly inputs: Named<TensorSpec>;
  readonly outputs: Named<TensorSpec>;
}

/**
 * What runs for an op on these operands. Where all have elements that is the op. Where some have none (WebGPU binds no empty
 * buffers, and planners divide by sizes) it is an op of the same slots, known to no rewrite, that plans by `planEmpty`, or
 * plans nothing where nothing is left to write. So no other plan, and no rewrite, meets a size of zero.
 */
export function whatRuns(op: Op, { inputs, outputs }: Specs): Op {
  const results = present(op.results, outputs);
  if (!present(op.operands, inputs).some(isEmpty) && !results.some(isEmpty)) return op;
  const made = getOrMake(known, op, substitutes);
  const changes = op.mutates?.some((name) => inputs[name] && !isEmpty(inputs[name]));
  return results.some((spec) => !isEmpty(spec)) || (op.planEmpty !== undefined && changes) ? made.writing : made.idle;
}

const known = new WeakMap<Op, { readonly writing: Op; readonly idle: Op }>();

function substitutes({ name, inputs, outputs, operands, results, infer, mutates = [], planEmpty }: Op) {
  const slots = { name, inputs, outputs, operands, results, infer };
  const zeros: OpDef['plan'] = ({ outputs: specs, target }) =>
    planFills(
      results.flatMap(({ name: slot }) => {
        const spec = specs[slot];
        return spec && !isEmpty(spec) ? [{ slot, count: sizeOf(spec.shape), value: 0, dtype: spec.dtype }] : [];
      }),
      target,
    );
  return {
    writing: planEmpty ? { ...slots, plan: planEmpty, mutates } : { ...slots, plan: zeros },
    idle: { ...slots, plan: noPlan },
  };
}
