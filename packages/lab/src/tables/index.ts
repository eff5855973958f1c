export { linesTable } from './aligned.js';
export { type Grid, gridCsv, gridLatex, gridMarkdown, gridText } from './grid.js';
export { type Figure, type Metric, type ResultTable, showDeviation, showFigure, summarize, type TableRow } from './result-table.js';
export { type TableCells, tableCells } from './table-cells.js';
