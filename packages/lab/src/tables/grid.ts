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
  /** Characters a line may have: the columns that go beyond come below, each block with the first column. Default any number. */
  readonly width?: number | undefined;
}

/** A grid for a terminal: aligned columns, numbers flush right. No line end after the last line. */
export function gridText(
  { title, subtitle, headings, rows, notes = [] }: Grid,
  { color = false, width = Number.POSITIVE_INFINITY }: GridTextOptions = {},
): string {
  const paint = (code: string, text: string): string => (color && text.trim() ? `\u001b[${code}m${text}\u001b[0m` : text);
  const widths = headings.map(({ text }, c) => Math.max(text.length, ...rows.map((row) => (row[c] ?? '').length)));
  const blocks = blocksOf(widths, width).map((columns) => {
    const line = (cells: readonly string[]): string =>
      columns
        .map((c) => (headings[c]?.numeric ? (cells[c] ?? '').padStart(widths[c] as number) : (cells[c] ?? '').padEnd(widths[c] as number)))
        .join('  ')
        .trimEnd();
    const rule = columns.map((c) => '─'.repeat(widths[c] as number)).join('  ');
    // A last column of words may be longer than any terminal.
    return ['', line(headings.map(({ text }) => text)), rule.slice(0, width), ...rows.map(line)];
  });
  return [
    paint('1', title),
    ...(subtitle ? [paint('2', subtitle)] : []),
    ...blocks.flat(),
    ...(notes.length > 0 ? ['', ...notes.map((note) => paint('2', note))] : []),
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
  const cell = (text: string): string => text.replaceAll('|', '\\|');
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
  const line = (cells: readonly string[]): string => `${cells.map(latexText).join(' & ')} \\\\`;
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
    ...notes.map((note) => `% ${note}`),
    '\\end{table}',
    '',
  ].join('\n');
}

const latexSpecial: Readonly<Record<string, string>> = {
  ...{ '\\': '\\textbackslash{}', '&': '\\&', '%': '\\%', $: '\\$', '#': '\\#', _: '\\_', '{': '\\{', '}': '\\}' },
  ...{ '~': '\\textasciitilde{}', '^': '\\textasciicircum{}', '−': '$-$', '±': '$\\pm$', '–': '--', '—': '---', '√': '$\\surd$' },
};
const latexText = (text: string): string => text.replaceAll(/[\\&%$#_{}~^−±–—√]/g, (c) => latexSpecial[c] ?? c);

/** A grid as CSV (RFC 4180), its title in a first column so that several may stand in one file. */
export function gridCsv({ title, headings, rows }: Grid): string {
  const field = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const line = (cells: readonly string[]): string => cells.map(field).join(',');
  return `${[line(['table', ...headings.map(({ text }) => text)]), ...rows.map((row) => line([title, ...row]))].join('\n')}\n`;
}
