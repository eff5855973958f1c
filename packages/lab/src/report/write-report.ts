import path from 'node:path';
import { showDuration } from '../progress/show-duration.js';
import { replaceFile } from '../run/replace-file.js';
import type { JsonObject } from '../run/sealed-json.js';
import type { Grid } from '../tables/index.js';
import { tableCells } from '../tables/index.js';
import type { ResultTable } from '../tables/result-table.js';
import { bandSpec } from './band-spec.js';
import { barSpec, type CurveSet, curveSpec } from './chart-specs.js';
import { gridTable } from './grid-html.js';
import { escapeHtml } from './html.js';
import { aboutDepth, type ProbeFigure } from './probe-figures.js';
import { renderChart } from './render-chart.js';
import { reportStyle } from './report-style.js';

/** Everything a report says. Whatever reads it needs no other file. */
export interface ReportData {
  readonly title: string;
  /** A sentence under the title: what was trained on what. */
  readonly summary: string;
  readonly table: ResultTable;
  /** Pictures of values over epochs: `training loss`, `test accuracy`. */
  readonly curves: readonly CurveSet[];
  /** What was seen inside the net, and which layer is which. Default nothing. */
  readonly probes?: { readonly figures: readonly ProbeFigure[]; readonly layers: Grid } | undefined;
  /** Metrics drawn as bars beside the published ones. Default: those of which higher is better, or else all. */
  readonly barMetrics?: readonly string[];
  /** The command line that repeats the run. */
  readonly command: string;
  /** Adapter, driver, dataset, versions, commit, …: shown as a list, in this order. */
  readonly facts: Readonly<Record<string, string>>;
  readonly config: JsonObject;
  readonly startedAt: Date;
  /** Duration of the run. */
  readonly seconds: number;
}

/** Name of the report in a run’s folder. */
export const reportFile = 'report.html';

/**
 * Writes `report.html` into a run's folder: the table measured and published, curves and bars as inline SVG, what ran
 * where and the configuration, in one file without outside resources. Throws RunError when it cannot be written (a full
 * disk); an earlier report stays as it was. Answers the file's path.
 */
export async function writeReport(folder: string, data: ReportData): Promise<string> {
  const file = path.join(folder, reportFile);
  await replaceFile(file, await renderReport(data));
  return file;
}

/** The report as HTML text. */
export async function renderReport(data: ReportData): Promise<string> {
  const { table } = data;
  const higher = table.metrics.filter(({ better }) => better === 'higher');
  const chosen = data.barMetrics;
  const metrics = chosen ? table.metrics.filter(({ key }) => chosen.includes(key)) : higher.length > 0 ? higher : table.metrics;
  const specs = [
    ...metrics
      .filter(({ key }) => table.rows.some((row) => row.measured[key]?.some(Number.isFinite)))
      .map((metric) => barSpec(table, { metric, theme: 'page' })),
    ...data.curves
      .filter(({ points }) => points.some(({ value }) => Number.isFinite(value)))
      .map((curves) => curveSpec(curves, { theme: 'page' })),
  ];
  const charts: string[] = [];
  for (const [i, spec] of specs.entries()) charts.push(await renderChart(spec, { theme: 'page', idPrefix: `chart${i}-` }));
  const facts = {
    started: `${data.startedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC`,
    duration: showDuration(data.seconds),
    ...data.facts,
  };
  const text = escapeHtml;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(data.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${text(data.title)}</h1>
<p class="quiet">${text(data.summary)}</p>
</header>
<main>
<h2>Results</h2>
<div class="card">${tableHtml(table)}</div>
${table.publishedLabel ? `<p class="quiet">Published: ${text(table.publishedLabel)}.</p>` : ''}
${(table.notes ?? []).map((note) => `<p class="quiet">${text(note)}</p>`).join('\n')}
${charts.length > 0 ? `<h2>Pictures</h2>\n<div class="charts">\n${charts.map((svg) => `<figure class="card">${svg}</figure>`).join('\n')}\n</div>` : ''}
${await insideHtml(data)}
<h2>How it was made</h2>
<div class="card">
<dl>
<dt>command</dt><dd><code>${text(data.command)}</code></dd>
${Object.entries(facts)
  .map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`)
  .join('\n')}
</dl>
</div>
<h2>Configuration</h2>
<div class="card"><details open><summary>config.json</summary><pre>${text(JSON.stringify(data.config, null, 2))}</pre></details></div>
</main>
</body>
</html>
`;
}

/** What was seen inside the net, by depth. */
async function insideHtml({ probes }: ReportData): Promise<string> {
  if (!probes || probes.figures.length === 0) return '';
  const pictures: string[] = [];
  for (const figure of probes.figures)
    pictures.push(await renderChart(bandSpec(figure, { theme: 'page' }), { theme: 'page', idPrefix: `inside-${figure.name}-` }));
  return `<h2>Inside the net</h2>
<p class="quiet">${escapeHtml(aboutDepth)}</p>
<div class="charts">
${pictures.map((svg) => `<figure class="card">${svg}</figure>`).join('\n')}
</div>
<div class="card"><details><summary>${escapeHtml(probes.layers.title)}</summary>${gridTable(probes.layers)}</details></div>`;
}

function tableHtml(table: ResultTable): string {
  const text = escapeHtml;
  const { groups, lines } = tableCells(table);
  const notes = lines.some(({ note }) => note !== '');
  const heading = groups.map(({ label, columns }) => `<th colspan="${columns.length}" scope="colgroup">${text(label)}</th>`).join('');
  const columns = groups.flatMap((group) => group.columns.map((column) => `<th scope="col">${text(column)}</th>`)).join('');
  const body = lines.map(({ name, cells, note }) => {
    const numbers = cells
      .flatMap((group) => group.map((cell, c) => `<td class="${c === 0 ? 'measured' : 'other'}">${text(cell)}</td>`))
      .join('');
    return `<tr><th scope="row">${text(name)}</th>${numbers}${notes ? `<td class="note">${text(note)}</td>` : ''}</tr>`;
  });
  const last = notes ? '<th></th>' : '';
  return `<table class="results">
<thead><tr><th></th>${heading}${last}</tr><tr><th scope="col">${text(table.rowLabel)}</th>${columns}${last}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table>`;
}
