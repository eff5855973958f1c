import { type ResultTable, showDeviation, showFigure, summarize } from './result-table.js';

/** What `renderTable` takes besides the table. */
export interface RenderTableOptions {
  /** Emphasise headings and dim the published column with terminal colours. Default false. */
  readonly color?: boolean;
}

/** A table laid out as cells: two heading rows (metrics, then columns within them) and a line per row. */
export interface TableCells {
  readonly groups: readonly { readonly label: string; readonly columns: readonly string[] }[];
  readonly lines: readonly { readonly name: string; readonly cells: readonly (readonly string[])[]; readonly note: string }[];
}

/** The cells of a table as text, for the terminal and the report alike. */
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

/**
 * The table as aligned text for a terminal: per metric the measured value, the published one and the difference, numbers
 * flush right. No line end after the last line.
 */
export function renderTable(table: ResultTable, { color = false }: RenderTableOptions = {}): string {
  const { groups, lines } = tableCells(table);
  const paint = (code: string, text: string): string => (color && text.trim() ? `\u001b[${code}m${text}\u001b[0m` : text);
  const nameWidth = Math.max(table.rowLabel.length, ...lines.map(({ name }) => name.length));
  const widths = groups.map(({ columns }, g) =>
    columns.map((column, c) => Math.max(column.length, ...lines.map(({ cells }) => (cells[g]?.[c] ?? '').length))),
  );
  // A metric's name stands over its columns; where it is longer, the first column takes up the rest.
  const groupWidths = groups.map(({ label }, g) => {
    const own = widths[g] as number[];
    const inner = own.reduce((sum, width) => sum + width, 0) + 2 * (own.length - 1);
    if (label.length > inner) own[0] = (own[0] as number) + label.length - inner;
    return Math.max(inner, label.length);
  });
  const gap = '   ';
  const heading = [' '.repeat(nameWidth), ...groups.map(({ label }, g) => centre(label, groupWidths[g] as number))].join(gap).trimEnd();
  const subheading = [
    table.rowLabel.padEnd(nameWidth),
    ...groups.map(({ columns }, g) => columns.map((column, c) => column.padStart(widths[g]?.[c] ?? 0)).join('  ')),
  ].join(gap);
  const rule = [nameWidth, ...groupWidths].map((width) => '─'.repeat(width)).join(gap);
  const body = lines.map(({ name, cells, note }) => {
    const numbers = cells.map((group, g) =>
      group.map((cell, c) => paint(c === 0 ? '1' : '2', cell.padStart(widths[g]?.[c] ?? 0))).join('  '),
    );
    return [name.padEnd(nameWidth), ...numbers, ...(note ? [note] : [])].join(gap).trimEnd();
  });
  const label = table.publishedLabel ? [paint('2', `published: ${table.publishedLabel}`)] : [];
  const notes = (table.notes ?? []).map((note) => paint('2', note));
  return [paint('1', table.title), '', heading, subheading, rule, ...body, '', ...label, ...notes].join('\n').trimEnd();
}

function centre(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return ' '.repeat(Math.max(0, left)) + text.padEnd(width - Math.max(0, left));
}
