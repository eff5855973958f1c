import path from 'node:path';
import { type Outcome, type PartResult, partGrids, type StoredTable, type TableSpec, tableFolder } from '../papers/index.js';
import { makeFolder, replaceFile } from '../run/index.js';
import { gridCsv, gridLatex, gridMarkdown } from '../tables/index.js';
import { bandSpec } from './band-spec.js';
import { gridHtml } from './grid-html.js';
import { escapeHtml as text } from './html.js';
import { aboutDepth } from './probe-figures.js';
import { renderChart } from './render-chart.js';
import { reportStyle } from './report-style.js';
import { sortableScript } from './sortable.js';
import { depthFigures, type TableFigure, tableFigures } from './table-figures.js';

/** What a table's report is made from. */
export interface TableReport {
  readonly table: TableSpec;
  readonly stored: StoredTable;
  readonly parts: readonly PartResult[];
}

/**
 * Writes `report.html` into the table's folder, the same as Markdown, CSV and LaTeX, and its pictures as SVG files under
 * `figures/`; answers the path of the first. Throws RunError when the disk is full.
 */
export async function writeTableReport(root: string, report: TableReport): Promise<string> {
  const folder = tableFolder(root, report.stored);
  await makeFolder(path.join(folder, 'figures'));
  const write = (name: string, content: string): Promise<void> => replaceFile(path.join(folder, name), content, { shared: true });
  for (const figure of report.parts.flatMap((part) => [...tableFigures(part), ...depthFigures(part)]))
    await write(path.join('figures', `${figure.name}.svg`), await renderChart(bandSpec(figure, { theme: 'file' })));
  const grids = report.parts.flatMap(partGrids);
  await write('report.html', await html(report));
  await write('report.md', [`# ${report.table.title}`, '', report.table.source, '', ...grids.map(gridMarkdown)].join('\n'));
  await write('report.csv', grids.map(gridCsv).join('\n'));
  await write('report.tex', grids.map(gridLatex).join('\n'));
  return path.join(folder, 'report.html');
}

async function html({ table, stored, parts }: TableReport): Promise<string> {
  const sections: string[] = [];
  for (const part of parts) {
    const pictures: string[] = [];
    for (const figure of tableFigures(part)) pictures.push(await picture(figure));
    const shown = pictures.length > 0 ? [`<div class="charts">\n${pictures.join('\n')}\n</div>`, ...aboutPictures(part)] : [];
    const grids = partGrids(part).map(gridHtml);
    // Where columns are places on an axis the picture says more than the numbers.
    sections.push(...(part.planned.part.axis ? [`<h2>${text(part.planned.part.title)}</h2>`, ...shown, ...grids] : [...grids, ...shown]));
    sections.push(await insideHtml(part), divergedHtml(part));
  }
  const notes = [
    // A column with a source of its own says so beneath its numbers.
    ...(table.publishedLabel && parts.some(({ planned: { columns } }) => columns.some(({ spec }) => !spec.publishedLabel))
      ? [`Published: ${table.publishedLabel}.`]
      : []),
    ...(stored.scale === 'full'
      ? []
      : [`This report is of scale ${stored.scale}: its numbers are not comparable with the published ones.`]),
  ];
  return `<!doctype html>
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
${notes.map((note) => `<p class="quiet">${text(note)}</p>`).join('\n')}
</header>
<main>
${sections.filter(Boolean).join('\n')}
${madeHtml(parts, stored)}
</main>
<script>${sortableScript}</script>
</body>
</html>
`;
}

const picture = async (figure: TableFigure): Promise<string> =>
  `<figure class="card">${await renderChart(bandSpec(figure, { theme: 'page' }), { theme: 'page', idPrefix: `${figure.name}-` })}</figure>`;

/** What was seen inside the nets, by depth. */
async function insideHtml(part: PartResult): Promise<string> {
  const pictures: string[] = [];
  for (const figure of depthFigures(part)) pictures.push(await picture(figure));
  if (pictures.length === 0) return '';
  const several = part.columns.some(({ cells }) => cells.some(({ outcomes }) => outcomes.size > 1));
  return `<h2>Inside the nets: ${text(part.planned.part.title)}</h2>
<p class="quiet">${text(`${aboutDepth}${several ? ' Lines are means over seeds; bands reach from the least seed to the greatest.' : ''}`)}</p>
<div class="charts">\n${pictures.join('\n')}\n</div>`;
}

function aboutPictures({ planned, columns }: PartResult): string[] {
  const cells = columns.flatMap((column) => column.cells);
  const several = cells.some(({ outcomes }) => outcomes.size > 1);
  // One that diverged in its first epoch has no point to be marked.
  const marked = ({ divergedIn, epochs }: Outcome): boolean => divergedIn !== undefined && epochs.length > 0;
  const diverged = !planned.part.axis && cells.some((cell) => [...cell.outcomes.values()].some(marked));
  const sentences = [
    ...(several ? ['Lines are means over seeds; bands reach from the least seed to the greatest.'] : []),
    ...(diverged ? ['A cross is the last epoch of a training that diverged in the next.'] : []),
  ];
  return sentences.length > 0 ? [`<p class="quiet">${sentences.join(' ')}</p>`] : [];
}

/** Which trainings diverged, when, and at which op. */
function divergedHtml({ planned, columns }: PartResult): string {
  const several = columns.length > 1;
  const rows = columns.flatMap(({ label, cells }) =>
    cells.flatMap(({ row, outcomes }) =>
      [...outcomes].flatMap(([seed, { divergedIn, divergedAt }]) =>
        divergedIn === undefined
          ? []
          : [
              [
                row.name,
                ...(several ? [label] : []),
                String(seed),
                String(divergedIn),
                String(divergedAt?.step ?? ''),
                divergedAt?.op ?? '',
              ],
            ],
      ),
    ),
  );
  if (rows.length === 0) return '';
  return gridHtml({
    title: `What diverged: ${planned.part.title}`,
    headings: [
      { text: planned.part.rowLabel },
      ...(several ? [{ text: 'column' }] : []),
      ...['seed', 'epoch', 'step'].map((heading) => ({ text: heading, numeric: true })),
      { text: 'where' },
    ],
    rows,
  });
}

/** Adapters, versions and the command; what runs do not agree in is named in full. */
function madeHtml(parts: readonly PartResult[], { table, scale, sweep }: StoredTable): string {
  const outcomes = parts.flatMap(({ columns }) => columns.flatMap(({ cells }) => cells.flatMap((cell) => [...cell.outcomes.values()])));
  const names = [...new Set(outcomes.flatMap(({ made = {} }) => Object.keys(made)))];
  const facts: [string, string][] = [
    ...(sweep ? [] : [['command', `npx initlab table run ${table} --scale ${scale}`] as [string, string]]),
    ['runs', String(outcomes.length)],
    ...names.map((name): [string, string] => [name, [...new Set(outcomes.flatMap(({ made }) => made?.[name] ?? []))].join('; ')]),
  ];
  const settings =
    sweep ?? parts.map(({ planned: { part } }) => ({ part: part.name, recipe: { ...part.recipe, ...part.at[scale].settings } }));
  return `<h2>How it was made</h2>
<div class="card">
<dl>
${facts.map(([name, value]) => `<dt>${text(name)}</dt><dd>${name === 'command' ? `<code>${text(value)}</code>` : text(value)}</dd>`).join('\n')}
</dl>
<details><summary>settings</summary><pre>${text(JSON.stringify(settings, null, 2))}</pre></details>
</div>`;
}
