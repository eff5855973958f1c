import { padText } from './text-width.js';

/** How a column of a text table is aligned. */
export interface AlignedColumn {
  /** Characters it takes at least. */
  readonly width: number;
  /** Flush right. */
  readonly numeric?: boolean | undefined;
}

/** The one way cells become a line of text: padded to their columns, two spaces between, nothing at the end. */
export const alignedLine = (cells: readonly string[], columns: readonly AlignedColumn[]): string =>
  columns
    .map(({ width, numeric }, c) => padText(cells[c] ?? '', width, { right: numeric === true }))
    .join('  ')
    .trimEnd();

/** A column of `linesTable`: its heading, and the room its cells need where that is more. Default 10 for numbers, else the heading's. */
export interface LinesColumn {
  readonly text: string;
  readonly width?: number;
  readonly numeric?: boolean;
}

/**
 * A table whose rows are printed as they are found, so that widths are said before: its heading, and what makes a line of a row.
 * Null is a value that there is none of. Where all rows are known, it is a `Grid`.
 */
export function linesTable(columns: readonly LinesColumn[]): {
  readonly head: string;
  line(cells: readonly (string | number | null)[]): string;
} {
  const room = columns.map(({ text, width = 0, numeric }) => ({ width: Math.max(text.length, width, numeric ? 10 : 0), numeric }));
  return {
    head: alignedLine(
      columns.map(({ text }) => text),
      room,
    ),
    line: (cells) =>
      alignedLine(
        cells.map((cell) => String(cell ?? '–')),
        room,
      ),
  };
}
