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

/** A grid for a terminal: aligned columns, numbers flush right. No line end after the last line. */
export function gridText({ title, subtitle, headings, rows, notes = [] }: Grid, { color = false }: { color?: boolean } = {}): string {
  const paint = (code: string, text: string): string => (color && text.trim() ? `\u001b[${code}m${text}\u001b[0m` : text);
  const widths = headings.map(({ text }, c) => Math.max(text.length, ...rows.map((row) => (row[c] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    headings
      .map(({ numeric }, c) => (numeric ? (cells[c] ?? '').padStart(widths[c] as number) : (cells[c] ?? '').padEnd(widths[c] as number)))
      .join('  ')
      .trimEnd();
  return [
    paint('1', title),
    ...(subtitle ? [paint('2', subtitle)] : []),
    '',
    line(headings.map(({ text }) => text)),
    widths.map((width) => '─'.repeat(width)).join('  '),
    ...rows.map(line),
    ...(notes.length > 0 ? ['', ...notes.map((note) => paint('2', note))] : []),
  ].join('\n');
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
