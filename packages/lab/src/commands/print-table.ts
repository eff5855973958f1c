import { partGrids } from '../papers/index.js';
import { gridText } from '../tables/index.js';
import { type ReportedTable, tableJson } from './table-report.js';

/** A table with its results on the terminal, or as a line of JSON. */
export function printTable(reported: ReportedTable, { json }: { json: boolean }): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(tableJson(reported))}\n`);
    return;
  }
  const color = process.stdout.isTTY === true;
  const width = color ? process.stdout.columns : undefined;
  const grids = reported.parts.flatMap((part) => partGrids(part)).map((grid) => gridText(grid, { color, width }));
  process.stdout.write(`\n${grids.join('\n\n')}\n\nReport: ${reported.report}\n`);
}
