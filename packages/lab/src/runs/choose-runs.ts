import { InitlabError } from '@initlab/core';
import { trainConfigSchema } from '../train/train-config.js';
import type { RunSummary } from './run-summary.js';

/** What a list can be chosen and sorted by besides the settings of a training. */
export const runFields = [
  ...(['run', 'state', 'epochsDone', 'last', 'best', 'bestEpoch', 'loss', 'diverged', 'seconds', 'started', 'adapter'] as const),
];
const settingNames = Object.keys(trainConfigSchema.shape);
const isField = (key: string): key is (typeof runFields)[number] => (runFields as readonly string[]).includes(key);

/** A value of a run by name: a field of the list, or a setting. */
export const runValue = (run: RunSummary, key: string): unknown => (isField(key) ? run[key] : run.settings[key]);

/** A key as it is given on the command line: also `batch-size`, and `batch` as `initlab train` has it. */
function keyOf(given: string, option: string): string {
  const camel = given.trim().replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const key = camel === 'batch' ? 'batchSize' : camel;
  if (!isField(key) && !settingNames.includes(key))
    throw new InitlabError(`${option}: there is no ${given}; there are ${[...runFields, ...settingNames].join(', ')}`);
  return key;
}

const comparisons = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
} as const satisfies Record<string, (a: number | string, b: number | string) => boolean>;

/** `arch=resnet56`, `best>60`, `lr!=0.1`: does a run fit? Throws InitlabError for a key that no run has. */
export function conditionOf(given: string): (run: RunSummary) => boolean {
  const [, name = '', operator = '', wanted = ''] = /^([^=!<>]+)(!=|<=|>=|=|<|>)(.*)$/.exec(given) ?? [];
  if (name === '')
    throw new InitlabError(`--where ${given}: give a key, one of = != < <= > >=, and a value, as in arch=resnet56 or best>60`);
  const key = keyOf(name, `--where ${given}`);
  const compare = comparisons[operator as keyof typeof comparisons];
  return (run) => {
    const value = runValue(run, key);
    const number = Number(wanted);
    if (typeof value === 'number' && wanted.trim() !== '' && !Number.isNaN(number)) return compare(value, number);
    // What a run has no value of is neither less nor more than anything.
    if ((value === undefined || value === null) && operator !== '=' && operator !== '!=') return false;
    return compare(showValue(value), wanted.trim());
  };
}

/** `best`, or `-best` for the largest first; runs without a value come last. Throws InitlabError for a key that no run has. */
export function orderOf(given: string): (a: RunSummary, b: RunSummary) => number {
  const falling = given.startsWith('-');
  const key = keyOf(falling ? given.slice(1) : given, `--sort ${given}`);
  return (runA, runB) => {
    const [a, b] = [runValue(runA, key), runValue(runB, key)];
    const [hasA, hasB] = [a !== undefined && a !== null, b !== undefined && b !== null];
    if (!hasA || !hasB) return Number(hasB) - Number(hasA);
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : showValue(a) < showValue(b) ? -1 : Number(a !== b);
    return falling ? -order : order;
  };
}

/** A setting as text: lists by commas, nothing as `null`. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return Array.isArray(value) ? value.join() : typeof value === 'object' ? JSON.stringify(value) : String(value);
}
