import type { Plan, Target } from '@initlab/kernels';
import { OpError, showValue } from '../../checks/errors.js';
import { getOrMake } from '../../get-or-make.js';
import { type Named, numberedSlots, type SlotList } from '../../op/slots.js';
import { sizeOf, type TensorSpec } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

/** The gradients' part of an op that looks at all of them together. */
export interface GradientSlots {
  /** Their names are made as they are counted, so the compiler does not know them: grad0, grad1, … */
  readonly slots: SlotList;
  readonly names: readonly string[];
  /** Elements of those that are there. */
  sizesOf(specs: Named<TensorSpec>): number[];
}

/** What such an op is made by for so many gradients: an op lists its operands, so it is made for a multiple of eight. */
export function forGradients<O>(make: (gradients: GradientSlots) => O): (count: number) => O {
  const known = new Map<number, O>();
  const made = (room: number): O => {
    const names = Array.from({ length: room }, (_, i) => `grad${i}`);
    const sizesOf = (specs: Named<TensorSpec>): number[] =>
      names.flatMap((name) => {
        const spec = specs[name];
        return spec ? [sizeOf(spec.shape)] : [];
      });
    return make({ slots: numberedSlots('grad', room), names, sizesOf });
  };
  return (count) => getOrMake(known, Math.ceil(count / 8) * 8, made);
}

interface Asked<A> {
  readonly inputs: Named<TensorSpec>;
  readonly attrs: A;
  readonly target: Target;
}
/** Some gradients may have no elements: their kernels have nothing to do, and the others' plans stay as they are. */
export const alsoEmpty = <A>(plan: (context: Asked<A>) => Plan) => ({ plan, planEmpty: plan });

/** Throws unless they are f32 tensors, at least one. */
export function checkGradients(op: string, grads: readonly Tensor[]): void {
  if (!Array.isArray(grads) || grads.length === 0)
    throw new OpError(op, `takes a list of gradients, got ${Array.isArray(grads) ? 'none' : showValue(grads)}`);
  for (const g of grads) checkTensor(op, g, 'a gradient');
  for (const g of grads) if (g.dtype !== 'f32') throw new OpError(op, `takes f32 gradients, got ${g.dtype}; cast() them`);
}
