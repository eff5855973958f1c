export { barSpec, type CurvePoint, type CurveSet, curveSpec } from './chart-specs.js';
export type { ChartTheme } from './chart-theme.js';
export { type RenderChartOptions, renderChart } from './render-chart.js';
export { type ReportData, renderReport, reportFile, writeReport } from './write-report.js';
