import type { RunSummary } from '../runs/index.js';

/** What `/api/runs` answers. */
export interface RunList {
  readonly root: string;
  readonly runs: readonly RunSummary[];
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
