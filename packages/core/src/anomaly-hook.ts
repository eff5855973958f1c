import type { Tensor } from './tensor.js';

type Observer = (op: string, inputs: readonly (Tensor | undefined)[], outputs: readonly Tensor[]) => void;

/** Anomaly mode's ear on every op; empty otherwise. Kept apart so that `apply` need not know the mode. */
let observer: Observer | undefined;

export const observeOutputs: Observer = (op, inputs, outputs) => observer?.(op, inputs, outputs);

/** Set (or clear) what is called after every op. Returns the former one. */
export function setObserver(next: Observer | undefined): Observer | undefined {
  const former = observer;
  observer = next;
  return former;
}
