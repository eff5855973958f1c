export { conditionOf, orderOf, runFields } from './choose-runs.js';
export { findRuns } from './find-runs.js';
export { type RunCondition, type RunSummary, runStates, summarizeRun } from './run-summary.js';
export { runsCsv, runsGrid } from './runs-grid.js';
