import { planFills } from '@initlab/kernels';
import { type OpDef, slotName } from './op-def.js';
import { isEmpty, sizeOf, type TensorSpec } from '../tensor/spec.js';

type Specs = readonly (TensorSpec | undefined)[];

/**
 * What runs for an op on these operands. Where all have elements that is the op. Where some have none (WebGPU binds no empty
 * buffers, and planners divide by sizes) it is an op of the same slots, known to no rewrite, that plans by `planEmpty`, or
 * plans nothing where nothing is left to write. So no other plan, and no rewrite, meets a size of zero.
 */
export function whatRuns(op: OpDef, inputs: Specs, outputs: readonly TensorSpec[]): OpDef {
  const empty = (spec: TensorSpec | undefined): boolean => spec !== undefined && isEmpty(spec);
  if (!inputs.some(empty) && !outputs.some(empty)) return op;
  const changes = (slot: string): boolean => {
    const spec = inputs[op.inputs.findIndex((name) => slotName(name) === slot)];
    return spec !== undefined && !isEmpty(spec);
  };
  let made = known.get(op);
  if (!made) {
    made = substitutes(op);
    known.set(op, made);
  }
  const writes = outputs.some((spec) => !isEmpty(spec)) || (op.planEmpty !== undefined && op.mutates?.some(changes));
  return writes ? made.writing : made.idle;
}

interface Substitutes {
  readonly writing: OpDef;
  readonly idle: OpDef;
}
const known = new WeakMap<OpDef, Substitutes>();

function substitutes({ name, inputs, outputs, infer, mutates = [], planEmpty }: OpDef): Substitutes {
  const slots = { name, inputs, outputs, infer };
  const zeros: OpDef['plan'] = ({ outputs: specs, target }) =>
    planFills(
      specs.flatMap((spec, i) =>
        isEmpty(spec) ? [] : [{ slot: outputs[i] as string, count: sizeOf(spec.shape), value: 0, dtype: spec.dtype }],
      ),
      target,
    );
  return {
    writing: planEmpty ? { ...slots, plan: planEmpty, mutates } : { ...slots, plan: zeros },
    idle: { ...slots, plan: () => ({ variant: 'nothing', dispatches: [], temporaries: [] }) },
  };
}
