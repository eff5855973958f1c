import {
  type Grid,
  gridCsv,
  gridLatex,
  gridMarkdown,
  gridText,
  linesTable,
  type ResultTable,
  showDeviation,
  showFigure,
  summarize,
  tableCells,
} from '@initlab/lab';
import { expect, it } from 'vitest';

const table: ResultTable = {
  title: 'cnn-init',
  rowLabel: 'strategy',
  metrics: [
    { key: 'loss', label: 'final loss', digits: 3, better: 'lower' },
    { key: 'accuracy', label: 'accuracy %', digits: 2, better: 'higher' },
  ],
  rows: [
    {
      name: 'zero',
      measured: { loss: [2.301, 2.3044], accuracy: [10, 10] },
      published: { loss: { mean: 2.3027 }, accuracy: { mean: 10 } },
    },
    { name: 'kaiming', measured: { loss: [0.2], accuracy: [70] }, published: { loss: { mean: 0.1984 }, accuracy: { mean: 68.98 } } },
    { name: 'mine', measured: { loss: [Number.NaN], accuracy: [] }, note: 'diverged in epoch 2' },
  ],
  publishedLabel: 'CIFAR-10',
  comparable: true,
  notes: ['A note.'],
};

it('has what was measured, what was published and the difference', () => {
  const { groups, lines } = tableCells(table);
  expect(groups.map(({ label, columns }) => [label, ...columns])).toEqual([
    ['final loss', 'measured', 'published', 'difference'],
    ['accuracy %', 'measured', 'published', 'difference'],
  ]);
  expect(lines.map(({ name, cells, note }) => [name, ...cells.flat(), note])).toEqual([
    ['zero', '2.303 ± 0.002', '2.303', '0.000', '10.00 ± 0.00', '10.00', '0.00', ''],
    ['kaiming', '0.200', '0.198', '+0.002', '70.00', '68.98', '+1.02', ''],
    ['mine', 'diverged', '–', '', '–', '–', '', 'diverged in epoch 2'],
  ]);
});

it('leaves differences out where data or recipe differ, and columns where nothing was published', () => {
  expect(tableCells({ ...table, comparable: false }).groups[0]?.columns).toEqual(['measured', 'published']);
  expect(tableCells({ ...table, rows: table.rows.slice(2) }).groups[0]?.columns).toEqual(['measured']);
});

it('rows printed as they are found stand under their heading; what is longer than its room is not cut', () => {
  const rows = linesTable([{ text: 'model', width: 8 }, { text: 'wall ms', numeric: true }, { text: 'variant' }]);
  expect([rows.head, rows.line(['vgg', 12.5, 'tile']), rows.line(['simple-cnn', null, '']), rows.line(['a', 1, null])]).toEqual([
    'model        wall ms  variant',
    'vgg             12.5  tile',
    'simple-cnn           –',
    'a                  1  –',
  ]);
});

it('summarises seeds by mean and sample standard deviation', () => {
  expect(summarize([])).toBeUndefined();
  expect(summarize([3])).toEqual({ mean: 3, seeds: 1 });
  expect(summarize([1, 2, 3])).toEqual({ mean: 2, std: 1, seeds: 3 });
  expect(showFigure(summarize([1, Number.NaN]), 2)).toBe('diverged');
  expect(showDeviation({ mean: 1 }, { mean: 1.5 }, 1)).toBe('−0.5');
  expect(showDeviation({ mean: Number.NaN }, { mean: 1.5 }, 1)).toBe('');
});

it('names from outside break no line, no terminal and no form', () => {
  const hostile = ['[a]*b', 'c\\|<i>`d`', 'e\nf\u001b[31m', '学习率', '{$%'];
  const odd: Grid = { title: 'odd', headings: [{ text: 'row' }, { text: 'n', numeric: true }], rows: hostile.map((name) => [name, '1']) };
  const text = gridText(odd);
  expect(text).not.toContain('\u001b');
  expect(text.split('\n').slice(4)).toEqual(['[a]*b      1', 'c\\|<i>`d`  1', 'e\ufffdf\ufffd[31m   1', '学习率     1', '{$%        1']);
  expect(gridMarkdown(odd).split('\n').slice(4, 7)).toEqual([
    '| [a]\\*b | 1 |',
    '| c\\\\\\|\\<i>\\`d\\` | 1 |',
    '| e\ufffdf\ufffd[31m | 1 |',
  ]);
  const latex = gridLatex(odd);
  expect(latex).toContain('\\midrule\n{}[a]*b & 1 \\\\\nc\\textbackslash{}|<i>`d` & 1');
  expect(latex).toContain('\\{\\$\\% & 1');
  expect(gridCsv(odd)).toContain('odd,"e\nf\u001b[31m",1');
  const long: Grid = { ...odd, subtitle: 'words '.repeat(20).trim(), rows: [['start-of-a-very-long-name-of-a-row-of-one’s-own-v2', '1']] };
  const lines = gridText(long, { width: 40 }).split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  expect(lines.at(-1)).toBe('start-of-a…’s-own-v2  1');
});

const grid: Grid = {
  title: 'Accuracy, 50 %',
  headings: [{ text: 'init' }, { text: 'best', numeric: true }, { text: '' }],
  rows: [
    ['kaiming', '72.14 ± 0.32', ''],
    ['a|b, "c"', '−1.5', 'x_y'],
  ],
  notes: ['One.'],
};

it('one grid in every form', () => {
  expect(gridText(grid).split('\n')).toEqual([
    'Accuracy, 50 %',
    '',
    'init              best',
    '────────  ────────────  ───',
    'kaiming   72.14 ± 0.32',
    'a|b, "c"          −1.5  x_y',
    '',
    'One.',
  ]);
  // On a narrow terminal the columns that do not fit stand below, the rows named again.
  expect(gridText(grid, { width: 23 }).split('\n').slice(1, -2)).toEqual([
    '',
    'init              best',
    '────────  ────────────',
    'kaiming   72.14 ± 0.32',
    'a|b, "c"          −1.5',
    '',
    'init',
    '────────  ───',
    'kaiming',
    'a|b, "c"  x_y',
  ]);
  expect(gridMarkdown(grid).split('\n').slice(2, 6)).toEqual([
    '| init | best |  |',
    '|---|---:|---|',
    '| kaiming | 72.14 ± 0.32 |  |',
    '| a\\|b, "c" | −1.5 | x_y |',
  ]);
  expect(gridCsv(grid).split('\n')[2]).toBe('"Accuracy, 50 %","a|b, ""c""",−1.5,x_y');
  const latex = gridLatex(grid);
  expect(latex).toContain('\\caption{Accuracy, 50 \\%}');
  expect(latex).toContain('\\begin{tabular}{lrl}');
  expect(latex).toContain('a|b, "c" & $-$1.5 & x\\_y \\\\');
});
