export { type Grid, gridCsv, gridLatex, gridMarkdown, gridText } from './grid.js';
export { type RenderTableOptions, renderTable, type TableCells, tableCells } from './render-table.js';
export { type Figure, type Metric, type ResultTable, showDeviation, showFigure, summarize, type TableRow } from './result-table.js';
