import { checkBody } from '../checks/check-arguments.js';
import { ModeStack } from '../record/mode-stack.js';
import type { Tensor } from '../tensor/tensor.js';

/** An op as it was made. */
export interface Observed {
  readonly op: string;
  /** Name of the op whose gradient is being computed, if one is. */
  readonly gradientOf: string | undefined;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
}

/** Anomaly mode's ear on every op; empty otherwise. Kept apart so that `apply` need not know the mode. */
const observer = new ModeStack<((seen: Observed) => void) | undefined>(undefined);
let gradientOf: string | undefined;

export function observeOutputs(op: string, inputs: Observed['inputs'], outputs: Observed['outputs']): void {
  observer.value?.({ op, gradientOf, inputs, outputs });
}

/** Runs `body` with `look` called after every op. */
export const observed = <T>(look: (seen: Observed) => void, body: () => T): T => observer.during(look, body);

/**
 * Run `body`, which must not be async, while `see` is called after every op that is made in it, by name, with its operands and
 * results; ops that `see` makes are not seen. In a compiled function it sees the ops of the recording.
 */
export function watchOps<T>(see: (seen: Observed) => void, body: () => T): T {
  checkBody('watchOps', see);
  checkBody('watchOps', body);
  let seeing = false;
  const former = observer.value;
  const both = (seen: Observed): void => {
    former?.(seen);
    if (seeing) return;
    seeing = true;
    try {
      see(seen);
    } finally {
      seeing = false;
    }
  };
  return observed(both, body);
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
