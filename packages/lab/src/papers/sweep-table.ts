import { InitlabError } from '@initlab/core';
import { type TrainSettings, trainConfig, trainConfigSchema } from '../train/train-config.js';
import type { RowSpec, TableSpec } from './table-spec.js';

/** One's own sweep: settings that all runs share, and those that are tried in all combinations. */
export interface SweepSpec {
  readonly settings: TrainSettings;
  /** Values by setting, in the order given. */
  readonly grid: Readonly<Record<string, readonly (string | number | boolean)[]>>;
  readonly seeds: readonly number[];
}

/** `lr=0.1,0.05` as a setting and its values. Throws InitlabError naming what is wrong with it. */
export function gridOf(text: string): { setting: string; values: (string | number | boolean)[] } {
  const at = text.indexOf('=');
  const setting = text.slice(0, Math.max(0, at)).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const named = setting === 'batch' ? 'batchSize' : setting;
  const known = Object.keys(trainConfigSchema.shape).filter((name) => name !== 'seed');
  if (at < 1 || !known.includes(named))
    throw new InitlabError(`--grid ${text}: give a setting and its values, as in lr=0.1,0.05; settings are ${known.join(', ')}`);
  const values = text
    .slice(at + 1)
    .split(',')
    .map((value) => parsedValue(value.trim()));
  if (values.some((value) => value === '')) throw new InitlabError(`--grid ${text}: a value is empty`);
  if (new Set(values).size < values.length) throw new InitlabError(`--grid ${text}: a value is given twice`);
  return { setting: named, values };
}

const parsedValue = (text: string): string | number | boolean => {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
};

/** A sweep as a table: a row for each combination, the first of which is what others are compared with. */
export function sweepTable({ settings, grid, seeds }: SweepSpec): TableSpec {
  const rows = combinations(Object.entries(grid)).map((chosen): RowSpec => {
    const name = chosen.map(([setting, value]) => `${setting} ${value}`).join(', ');
    return { name: name || 'run', settings: Object.fromEntries(chosen) };
  });
  const [first] = rows as [RowSpec, ...RowSpec[]];
  const config = trainConfig({ ...settings, ...first.settings }, { origin: 'sweep' });
  const tried = Object.keys(grid);
  const title = tried.length > 0 ? `Sweep over ${tried.join(', ')}` : 'Runs of one setting';
  const shared = [tried.includes('arch') ? '' : config.arch, tried.includes('dataset') ? '' : config.dataset].filter(Boolean).join(' on ');
  const whole = { label: `${config.epochs} epoch${config.epochs === 1 ? '' : 's'}`, settings: {} };
  return {
    id: 'sweep',
    title,
    source: 'a sweep of one’s own',
    publishedLabel: '',
    seeds,
    parts: [
      {
        ...{ name: 'results', title, rowLabel: 'setting', baseline: first.name, recipe: settings },
        at: { smoke: whole, short: whole, full: whole },
        rows,
        columns: [{ name: 'sweep', label: shared || 'all', settings: {}, at: {} }],
        metrics: ['bestTest', 'lastTest', 'lastLoss'],
      },
    ],
  };
}

type Choice = [setting: string, value: string | number | boolean];

function combinations(entries: readonly (readonly [string, readonly (string | number | boolean)[]])[]): Choice[][] {
  const [first, ...rest] = entries;
  if (!first) return [[]];
  const [setting, values] = first;
  return values.flatMap((value) => combinations(rest).map((others): Choice[] => [[setting, value], ...others]));
}
