export { addedRows } from './added-row.js';
export { type Cell, type CellRun, type PlannedPart, planTable, type TableChoice } from './cells.js';
export { findTable, tables } from './find-table.js';
export { partGrids } from './grids.js';
export { type MetricName, type MetricSpec, metrics, type Outcome } from './metrics.js';
export { publishedOf } from './published.js';
export { type CellResult, type PartResult, partResult, type RunState } from './results.js';
export { readStoredTable, type StoredTable, storeTable, tableFolder, tableOf } from './stored-table.js';
export { gridOf, type SweepSpec, sweepTable } from './sweep-table.js';
export {
  type ColumnSpec,
  type PartSpec,
  type Published,
  type RowSpec,
  type Scale,
  scales,
  type TableSpec,
} from './table-spec.js';
