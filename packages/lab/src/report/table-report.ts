import path from 'node:path';
import { type PartResult, type StoredTable, tableFolder, type TableSpec } from '../papers/index.js';
import { makeFolder, replaceFile } from '../run/index.js';
import { type Grid, gridCsv, gridLatex, gridMarkdown } from '../tables/index.js';
import { escapeHtml as text } from './html.js';
import { reportStyle } from './report-style.js';

/** What a table's report is made from. */
export interface TableReport {
  readonly table: TableSpec;
  readonly stored: StoredTable;
  readonly parts: readonly PartResult[];
  /** The same as text, a grid per part and column. */
  readonly grids: readonly Grid[];
}

/** Writes `report.html` and the same as Markdown, CSV and LaTeX into the table's folder; answers the path of the first. */
export async function writeTableReport(root: string, report: TableReport): Promise<string> {
  const folder = tableFolder(root, report.stored);
  await makeFolder(folder);
  const write = (name: string, content: string): Promise<void> => replaceFile(path.join(folder, name), content);
  await write('report.html', html(report));
  await write('report.md', [`# ${report.table.title}`, '', report.table.source, '', ...report.grids.map(gridMarkdown)].join('\n'));
  await write('report.csv', report.grids.map(gridCsv).join('\n'));
  await write('report.tex', report.grids.map(gridLatex).join('\n'));
  return path.join(folder, 'report.html');
}

const html = ({ table, stored, grids }: TableReport): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(table.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${text(table.title)}</h1>
<p class="quiet">${text(table.source)}</p>
<p class="quiet">${table.publishedLabel ? `Published: ${text(table.publishedLabel)}.` : ''}${stored.scale === 'full' ? '' : ` This report is of scale ${stored.scale}: its numbers are not comparable with the published ones.`}</p>
</header>
<main>
${grids.map(gridHtml).join('\n')}
</main>
</body>
</html>
`;

const gridHtml = ({ title, subtitle, headings, rows, notes = [] }: Grid): string => `<h2>${text(title)}</h2>
${subtitle ? `<p class="quiet">${text(subtitle)}</p>` : ''}
<div class="card"><table class="results">
<thead><tr>${headings.map((h) => `<th scope="col">${text(h.text)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((cell, c) => (c === 0 ? `<th scope="row">${text(cell)}</th>` : `<td${headings[c]?.numeric ? '' : ' class="note"'}>${text(cell)}</td>`)).join('')}</tr>`).join('\n')}
</tbody>
</table></div>
${notes.map((note) => `<p class="quiet">${text(note)}</p>`).join('\n')}`;
