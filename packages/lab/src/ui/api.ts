import type { RunSummary } from '../runs/index.js';

/** What `/api/runs` answers. */
export interface RunList {
  readonly root: string;
  readonly runs: readonly RunSummary[];
}

/** What `/api/probes?run=NAME` answers: the first and the latest look inside the net (`--probe`), none where there was none. */
export interface RunProbes {
  readonly run: string;
  readonly probes: readonly {
    /** Steps made before it. */
    readonly step: number;
    /** In order of depth. What was not a finite number, or does not apply, is null. */
    readonly layers: readonly ProbedLayer[];
  }[];
}

/** What was seen of a layer. */
export interface ProbedLayer {
  readonly name: string;
  readonly mean: number | null;
  readonly deviation: number | null;
  readonly gradientNorm: number | null;
  readonly weightNorm: number | null;
  /** Share of units that are 0 for the whole batch. */
  readonly dead: number | null;
}

/** What `/api/epochs?run=NAME` answers. What was not a finite number is null. */
export interface RunEpochs {
  readonly run: string;
  readonly epochs: readonly {
    readonly epoch: number;
    readonly trainLoss: number | null;
    readonly testLoss: number | null;
    readonly trainAccuracy: number | null;
    readonly testAccuracy: number | null;
  }[];
}
