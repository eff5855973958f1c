import type { RunSummary } from '../src/runs/run-summary.js';

/** A column of the list. */
export interface Column {
  readonly name: string;
  readonly label: string;
  readonly numeric: boolean;
  /** Left out in narrow windows. */
  readonly wide?: boolean;
  /** A setting in which the runs differ. */
  readonly setting?: boolean;
  of(run: RunSummary): string | number | null | undefined;
}

const mostSettings = 6;

/** A setting as a cell: lists by commas. */
const cell = (value: unknown): string | number | null =>
  value === undefined || value === null ? null : typeof value === 'number' ? value : Array.isArray(value) ? value.join() : String(value);

/** The run, what came of it, and the settings in which runs differ. */
export function columnsOf(runs: readonly RunSummary[]): Column[] {
  const [first] = runs;
  const names = new Set<string>();
  for (const { settings } of runs) for (const name in settings) names.add(name);
  const differing = [...names].filter((name) => runs.some(({ settings }) => cell(settings[name]) !== cell(first?.settings[name])));
  return [
    { name: 'run', label: 'run', numeric: false, of: ({ run }) => run },
    {
      name: 'state',
      label: 'state',
      numeric: false,
      of: ({ state, diverged }) => (diverged === undefined ? state : `${state} (${diverged})`),
    },
    { name: 'last', label: 'last test %', numeric: true, of: ({ last }) => last },
    { name: 'best', label: 'best test %', numeric: true, wide: true, of: ({ best }) => best },
    ...differing.slice(0, mostSettings).map(
      (name): Column => ({
        ...{ name, label: name, wide: true, setting: true },
        numeric: runs.every(({ settings }) => typeof settings[name] === 'number'),
        of: ({ settings }) => cell(settings[name]),
      }),
    ),
    { name: 'epochsDone', label: 'epochs done', numeric: true, wide: true, of: ({ epochsDone }) => epochsDone },
  ];
}

/** `init xavier, lr 0.05`: what tells a run from the others. */
export const differences = (run: RunSummary, columns: readonly Column[]): string =>
  columns.flatMap((column) => (column.setting ? [`${column.name} ${show(column, column.of(run))}`] : [])).join(', ');

/** A value as it stands in a cell. */
export function show({ name }: Column, value: string | number | null | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' && (name === 'last' || name === 'best')) return value.toFixed(2);
  // Of a folder named by a hash the first digits tell it from the others.
  return name === 'run' ? String(value).replace(/^by-hash\/(\w{8})\w+$/, '$1…') : String(value);
}

/** Runs in which every word stands somewhere: in the name, a setting's value, the state. `lr=0.1` is a setting and its value. */
export function matching(runs: readonly RunSummary[], words: string): readonly RunSummary[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return runs;
  return runs.filter((run) => {
    const text = ` ${run.run} ${run.state} ${Object.entries(run.settings)
      .map(([name, value]) => `${name}=${cell(value)} ${cell(value)}`)
      .join(' ')} `.toLowerCase();
    return wanted.every((word) => (word.includes('=') ? text.includes(` ${word} `) : text.includes(word)));
  });
}

/** In the order of a column; what has no value last. */
export function sorted(runs: readonly RunSummary[], column: Column, falling: boolean): RunSummary[] {
  const sign = falling ? -1 : 1;
  return [...runs].sort((a, b) => {
    const [x, y] = [column.of(a) ?? null, column.of(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x) < String(y) ? -1 : Number(x !== y));
  });
}
