export { conditionOf, orderOf, runFields } from './choose-runs.js';
export { findRuns } from './find-runs.js';
export { runsCsv, runsGrid } from './runs-grid.js';
export { type RunCondition, runStates, type RunSummary, summarizeRun } from './run-summary.js';
