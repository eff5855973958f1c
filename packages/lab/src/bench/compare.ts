import { InitlabError } from '@initlab/core';

/** One line of a result file. */
type Row = Readonly<Record<string, unknown>>;

/** What says which measurement a row is; all else is what was measured or goes with it. */
const identity = ['lib', 'model', 'shape', 'direction', 'norm', 'pass', 'batch', 'precision', 'dispatches'] as const;
/** Measurements in which less is better, the first that both rows have counts. */
const measures = ['wallMs', 'gpuMs', 'ms', 'wallUs'] as const;

export interface Comparison {
  readonly name: string;
  readonly measure: string;
  readonly before: number;
  readonly after: number;
  /** after / before: above 1 is slower. */
  readonly ratio: number;
  readonly regression: boolean;
}
export interface ComparedFiles {
  readonly rows: readonly Comparison[];
  /** Measurements that only one file has. */
  readonly unmatched: readonly string[];
  /** Adapters, where the files name different ones: ratios then say nothing about the code. */
  readonly adapters: readonly string[];
}

/** Compare two result files (JSON lines, as `bench … --json` prints); slower by more than `tolerance` is a regression. */
export function compareResults(before: string, after: string, { tolerance }: { tolerance: number }): ComparedFiles {
  const [old, now] = [parseRows(before), parseRows(after)];
  const rows: Comparison[] = [];
  const unmatched: string[] = [...old.keys()].filter((name) => !now.has(name));
  for (const [name, row] of now) {
    const known = old.get(name);
    const measure = measures.find((m) => typeof row[m] === 'number' && typeof known?.[m] === 'number');
    if (!known || !measure) {
      unmatched.push(name);
      continue;
    }
    const [a, b] = [known[measure] as number, row[measure] as number];
    rows.push({ name, measure, before: a, after: b, ratio: b / a, regression: b > a * (1 + tolerance) });
  }
  const adapters = [...new Set([...old.values(), ...now.values()].map((r) => adapterOf(r)).filter(Boolean))];
  return { rows, unmatched, adapters: adapters.length > 1 ? adapters : [] };
}

/** Libraries word one adapter differently; what they agree on is enough to tell two machines apart. */
const adapterOf = (row: Row): string => (row.lib === undefined || row.lib === 'initlab' ? String(row.adapter ?? '') : '');

function parseRows(text: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    let row: Row;
    try {
      row = JSON.parse(line) as Row;
    } catch {
      throw new InitlabError(`line ${i + 1} is not JSON; result files hold a line a row, as "initlab bench … --json" prints them`);
    }
    const measure = measures.some((m) => m in row);
    // How many dispatches a step has is a result; of the dispatch bench it is what was asked for.
    const named = identity.filter((key) => row[key] !== undefined && (key !== 'dispatches' || 'wallUs' in row));
    if (measure) rows.set(named.map((key) => `${key} ${showValue(row[key])}`).join(', '), row);
  }
  return rows;
}

const showValue = (value: unknown): string => (Array.isArray(value) ? value.join('×') : String(value));
