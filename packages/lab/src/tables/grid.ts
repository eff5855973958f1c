import { alignedLine } from './aligned.js';
import { oneLine, shortenText, textWidth, wrapText } from './text-width.js';

/** A table as text, before anyone decides how it is drawn. */
export interface Grid {
  readonly title: string;
  /** A sentence under the title. */
  readonly subtitle?: string;
  readonly headings: readonly { readonly text: string; readonly numeric?: boolean }[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences under the table. */
  readonly notes?: readonly string[];
}

/** How a grid is drawn as text. */
export interface GridTextOptions {
  readonly color?: boolean;
  /**
   * Columns of the terminal: the columns that go beyond come below, each block with the first one, whose names get half of a line at
   * most; sentences are broken between words. Default any number.
   */
  readonly width?: number | undefined;
}

/** A grid for a terminal: aligned columns, numbers flush right. No line end after the last line. */
export function gridText(
  { title, subtitle, headings, rows, notes = [] }: Grid,
  { color = false, width = Number.POSITIVE_INFINITY }: GridTextOptions = {},
): string {
  const paint = (code: string, text: string): string[] =>
    wrapText(text, width).map((line) => (color && line.trim() ? `\u001b[${code}m${line}\u001b[0m` : line));
  const shown = rows.map((row) => row.map((cell, c) => (c === 0 ? shortenText(oneLine(cell), width / 2) : oneLine(cell))));
  // Not all at once as arguments: lists of runs may be long.
  const widths = headings.map(({ text }, c) => shown.reduce((most, row) => Math.max(most, textWidth(row[c] ?? '')), textWidth(text)));
  const blocks = blocksOf(widths, width).map((columns) => {
    const room = columns.map((c) => ({ width: widths[c] as number, numeric: headings[c]?.numeric }));
    const line = (cells: readonly string[]): string =>
      alignedLine(
        columns.map((c) => cells[c] ?? ''),
        room,
      );
    const rule = columns.map((c) => '─'.repeat(widths[c] as number)).join('  ');
    // A last column of words may be longer than any terminal.
    return ['', line(headings.map(({ text }) => text)), rule.slice(0, width), ...shown.map(line)];
  });
  return [
    ...paint('1', title),
    ...(subtitle ? paint('2', subtitle) : []),
    ...blocks.flat(),
    ...(notes.length > 0 ? ['', ...notes.flatMap((note) => paint('2', note))] : []),
  ].join('\n');
}

/** Columns by block: the first in each, and as many others as a line holds, one at least. */
function blocksOf(widths: readonly number[], most: number): number[][] {
  const blocks: number[][] = [[0]];
  let used = widths[0] ?? 0;
  for (let c = 1; c < widths.length; c++) {
    const block = blocks.at(-1) as number[];
    if (block.length > 1 && used + 2 + (widths[c] as number) > most) {
      blocks.push([0, c]);
      used = (widths[0] ?? 0) + 2 + (widths[c] as number);
    } else {
      block.push(c);
      used += 2 + (widths[c] as number);
    }
  }
  return blocks;
}

/** A grid in Markdown (GitHub's tables). */
export function gridMarkdown({ title, subtitle, headings, rows, notes = [] }: Grid): string {
  // What would end the cell, begin a tag or a code span, or set what follows in italics.
  const cell = (text: string): string => oneLine(text).replaceAll(/[\\|<`*]/g, (c) => `\\${c}`);
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [
    `### ${title}`,
    ...(subtitle ? ['', subtitle] : []),
    '',
    line(headings.map(({ text }) => text)),
    `|${headings.map(({ numeric }) => (numeric ? '---:' : '---')).join('|')}|`,
    ...rows.map((row) => line(headings.map((_, c) => row[c] ?? ''))),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
  ].join('\n');
}

/** A grid as LaTeX, for the booktabs package. */
export function gridLatex({ title, subtitle, headings, rows, notes = [] }: Grid): string {
  // After the end of a line [ and * would be taken for its options.
  const line = (cells: readonly string[]): string =>
    `${cells
      .map(latexText)
      .join(' & ')
      .replace(/^(?=[[*])/, '{}')} \\\\`;
  return [
    '\\begin{table}',
    `\\caption{${latexText(title)}${subtitle ? `. ${latexText(subtitle)}` : ''}}`,
    `\\begin{tabular}{${headings.map(({ numeric }) => (numeric ? 'r' : 'l')).join('')}}`,
    '\\toprule',
    line(headings.map(({ text }) => text)),
    '\\midrule',
    ...rows.map((row) => line(headings.map((_, c) => row[c] ?? ''))),
    '\\bottomrule',
    '\\end{tabular}',
    ...notes.map((note) => `% ${oneLine(note)}`),
    '\\end{table}',
    '',
  ].join('\n');
}

const latexSpecial: Readonly<Record<string, string>> = {
  ...{ '\\': '\\textbackslash{}', '&': '\\&', '%': '\\%', $: '\\$', '#': '\\#', _: '\\_', '{': '\\{', '}': '\\}' },
  ...{ '~': '\\textasciitilde{}', '^': '\\textasciicircum{}', '−': '$-$', '±': '$\\pm$', '–': '--', '—': '---', '√': '$\\surd$' },
};
const latexText = (text: string): string => oneLine(text).replaceAll(/[\\&%$#_{}~^−±–—√]/g, (c) => latexSpecial[c] ?? c);

/** A grid as CSV (RFC 4180), its title in a first column so that several may stand in one file. */
export function gridCsv({ title, headings, rows }: Grid): string {
  const field = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const line = (cells: readonly string[]): string => cells.map(field).join(',');
  return `${[line(['table', ...headings.map(({ text }) => text)]), ...rows.map((row) => line([title, ...row]))].join('\n')}\n`;
}
