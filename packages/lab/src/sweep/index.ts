export { datasetHash, numericsVersion } from '../train/train-setup.js';
export { failureOf, noteFailure } from './run-failure.js';
export { type RunIdentity, runKey } from './run-key.js';
export { listRuns, type SweepRun, type WantedRun } from './run-list.js';
export { runState } from './run-state.js';
export { isDone, runSweep, type SweepEnd, type SweepOptions } from './sweep.js';
