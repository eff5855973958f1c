import type { Holder } from './leak-report.js';

/** Live storages made by one op. */
export interface HolderRow {
  readonly label: string;
  readonly count: number;
  readonly bytes: number;
}

/** Bytes and count of live storages by the op that made them, largest first. */
export function holderRows(holders: Iterable<Holder>): HolderRow[] {
  const sums = new Map<string, { label: string; count: number; bytes: number }>();
  for (const { label, bytes } of holders) {
    const sum = sums.get(label) ?? { label, count: 0, bytes: 0 };
    sum.count++;
    sum.bytes += bytes;
    sums.set(label, sum);
  }
  return [...sums.values()].sort((a, b) => b.bytes - a.bytes);
}

/** The largest holders as an out-of-memory error names them. */
export function describeHolders(holders: Iterable<Holder>): string {
  const rows = holderRows(holders).slice(0, 8);
  const lines = rows.map((r) => `  ${r.label}: ${r.count} tensors, ${(r.bytes / 2 ** 20).toFixed(1)} MiB`);
  return [
    ...(rows.length > 0 ? lines : ['  (none)']),
    'Tensors live until dispose(), or until the collector finds them between two tasks: make what a step needs inside scope(() => …).',
  ].join('\n');
}
