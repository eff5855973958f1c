export { type BandPoint, type BandSet, bandSpec } from './band-spec.js';
export { barSpec, type CurvePoint, type CurveSet, curveSpec } from './chart-specs.js';
export type { ChartTheme } from './chart-theme.js';
export { layersGrid, momentOf, type ProbeFigure, type ProbeSeries, probeFigures } from './probe-figures.js';
export { type RenderChartOptions, renderChart } from './render-chart.js';
export { depthFigures, type TableFigure, tableFigures } from './table-figures.js';
export { type TableReport, writeTableReport } from './table-report.js';
export { type ReportData, renderReport, reportFile, writeReport } from './write-report.js';
