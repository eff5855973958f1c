import type { TensorSpec } from '../storage/spec.js';
import type { Storage } from '../storage/storage.js';

/** A tensor as a recorded step sees it. */
export interface GraphValue {
  readonly storage: Storage;
  readonly spec: TensorSpec;
}

/** An op of a recorded step, as far as this room knows ops: `GraphNode` is what there is. */
export interface RecordedOp {
  /** The operands that are there, in the order of the op's slots. */
  readonly reads: readonly GraphValue[];
  /** Its results, likewise. */
  readonly makes: readonly GraphValue[];
}
