import type { Tensor } from './tensor.js';

export interface Observed {
  readonly op: string;
  /** Name of the op whose gradient is being computed, if one is. */
  readonly gradientOf: string | undefined;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
}

/** Anomaly mode's ear on every op; empty otherwise. Kept apart so that `apply` need not know the mode. */
let observer: ((seen: Observed) => void) | undefined;
let gradientOf: string | undefined;

export function observeOutputs(op: string, inputs: Observed['inputs'], outputs: Observed['outputs']): void {
  observer?.({ op, gradientOf, inputs, outputs });
}

/** Set (or clear) what is called after every op. Returns the former one. */
export function setObserver(next: typeof observer): typeof observer {
  const former = observer;
  observer = next;
  return former;
}

/** Backward says whose gradient it is computing. */
export function computingGradientOf<T>(op: string, compute: () => T): T {
  gradientOf = op;
  try {
    return compute();
  } finally {
    gradientOf = undefined;
  }
}
