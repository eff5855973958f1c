import { type ResultTable, showDeviation, showFigure, summarize } from './result-table.js';

/** A table laid out as cells: two heading rows (metrics, then columns within them) and a line per row. */
export interface TableCells {
  readonly groups: readonly { readonly label: string; readonly columns: readonly string[] }[];
  readonly lines: readonly { readonly name: string; readonly cells: readonly (readonly string[])[]; readonly note: string }[];
}

/** The cells of a table as text: the report draws them. */
export function tableCells(table: ResultTable): TableCells {
  const published = table.rows.some((row) => row.published !== undefined);
  const columns = ['measured', ...(published ? ['published'] : []), ...(published && table.comparable ? ['difference'] : [])];
  const lines = table.rows.map((row) => ({
    name: row.name,
    note: row.note ?? '',
    cells: table.metrics.map(({ key, digits }) => {
      const ours = summarize(row.measured[key]);
      const theirs = row.published?.[key];
      return [showFigure(ours, digits), showFigure(theirs, digits), showDeviation(ours, theirs, digits)].slice(0, columns.length);
    }),
  }));
  return { groups: table.metrics.map(({ label }) => ({ label, columns })), lines };
}
