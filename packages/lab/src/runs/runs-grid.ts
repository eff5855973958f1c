import { showDuration } from '../progress/index.js';
import type { Grid } from '../tables/index.js';
import { trainConfigSchema } from '../train/train-config.js';
import { runFields, runValue, showValue } from './choose-runs.js';
import type { RunSummary } from './run-summary.js';

/** The runs beside each other: columns for the settings in which they differ; what they share stands above. */
export function runsGrid(runs: readonly RunSummary[], { title }: { readonly title: string }): Grid {
  const names = new Set<string>();
  for (const { settings } of runs) for (const name of Object.keys(settings)) names.add(name);
  // One whose settings cannot be read differs from the others in nothing that is known.
  const known = runs.filter(({ settings }) => Object.keys(settings).length > 0);
  const [first] = known;
  const differing = [...names].filter((name) => {
    const value = first?.settings[name];
    return known.some(({ settings }) => settings[name] !== value && showValue(settings[name]) !== showValue(value));
  });
  const order = Object.keys(trainConfigSchema.shape);
  const usual = trainConfigSchema.parse({}) as Readonly<Record<string, unknown>>;
  const shared = [...names].filter(
    (name) =>
      !differing.includes(name) &&
      (['arch', 'dataset', 'init', 'norm', 'epochs'].includes(name) || showValue(first?.settings[name]) !== showValue(usual[name])),
  );
  differing.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  const of = <T>(value: T | undefined, show: (value: T) => string): string => (value === undefined ? '' : show(value));
  const columns: { text: string; numeric: boolean; of: (run: RunSummary) => string }[] = [
    { text: 'run', numeric: false, of: ({ run }) => run },
    ...differing.map((name) => ({
      text: name,
      numeric: known.every(({ settings }) => typeof settings[name] === 'number'),
      of: ({ settings }: RunSummary) => (name in settings ? showValue(settings[name]) : ''),
    })),
    { text: 'state', numeric: false, of: ({ state, diverged }) => (diverged === undefined ? state : `${state} in epoch ${diverged}`) },
    { text: 'epochs', numeric: true, of: ({ epochsDone, settings }) => `${epochsDone}/${showValue(settings.epochs)}` },
    { text: 'last test %', numeric: true, of: ({ last }) => of(last, (v) => v.toFixed(2)) },
    {
      text: 'best test %',
      numeric: true,
      of: ({ best, bestEpoch }) => of(best, (v) => `${v.toFixed(2)}${of(bestEpoch, (epoch) => ` (${epoch})`)}`),
    },
    { text: 'training loss', numeric: true, of: ({ loss }) => of(loss, (v) => v.toFixed(4)) },
    { text: 'time', numeric: true, of: ({ seconds }) => of(seconds, showDuration) },
  ];
  return {
    title,
    ...(shared.length > 0 && runs.length > 1
      ? { subtitle: `all: ${shared.map((name) => `${name} ${showValue(first?.settings[name])}`).join(', ')}` }
      : {}),
    headings: columns.map(({ text, numeric }) => ({ text, numeric })),
    rows: runs.map((run) => columns.map((column) => column.of(run))),
  };
}

/** Every field and every setting, whatever the runs are: the same columns each time. */
export function runsCsv(runs: readonly RunSummary[]): string {
  const columns = [...runFields, ...Object.keys(trainConfigSchema.shape)];
  const field = (value: unknown): string => {
    const text = value === undefined || value === null ? '' : showValue(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[columns.join(','), ...runs.map((run) => columns.map((key) => field(runValue(run, key))).join(','))].join('\n')}\n`;
}
