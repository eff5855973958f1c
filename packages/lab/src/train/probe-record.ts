import type { LayerProbe } from '@initlab/nn';
import type { JsonObject } from '../run/index.js';

/** One line of probes.jsonl: what was seen inside the net with the batch of the step to come. */
export interface ProbeRecord extends JsonObject {
  /** Steps made before it, of the whole training: 0 is at initialisation. */
  readonly step: number;
  /** Of the step to come, from 1. */
  readonly epoch: number;
  /** In order of depth. */
  readonly layers: readonly LayerProbe[];
}

/** At most `count` of them, the first and the last included, the others evenly between. */
export function someProbes(all: readonly ProbeRecord[], count: number): ProbeRecord[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / (count - 1))] as ProbeRecord);
}
