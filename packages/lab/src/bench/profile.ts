import type { ProfileRow } from '@initlab/core';
import { linesTable } from '../tables/index.js';
import type { Peaks } from './peaks.js';
import { figures, median } from './statistics.js';

/** A kernel's part of a step. */
export interface KernelShare extends ProfileRow {
  /** Of the step's GPU time. */
  readonly share: number;
  readonly gigaflops: number;
  readonly gigabytesPerSecond: number;
  /** How near it comes to what the adapter can do: the time that its flops or its bytes take at least, over its own. */
  readonly roofline: number;
}

/** Several profiles of one step as one: each kernel's median, longest first. */
export function medianProfile(profiles: readonly (readonly ProfileRow[])[]): ProfileRow[] {
  const name = ({ op, kernel }: ProfileRow): string => `${op} ${kernel}`;
  const times = new Map<string, number[]>();
  for (const row of profiles.flat()) times.set(name(row), [...(times.get(name(row)) ?? []), row.milliseconds]);
  return (profiles[0] ?? [])
    .map((row) => ({ ...row, milliseconds: median(times.get(name(row)) ?? []) }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Rates and shares of profiled kernels. Bytes count each binding once: re-reading shows as a low share. */
export function kernelShares(rows: readonly ProfileRow[], peaks: Peaks): KernelShare[] {
  const total = rows.reduce((sum, r) => sum + r.milliseconds, 0);
  return rows.map((row) => {
    const ms = Math.max(row.milliseconds, 1e-6);
    const least = Math.max(row.flops / peaks.gigaflops, row.bytes / peaks.gigabytesPerSecond) / 1e6;
    return {
      ...row,
      milliseconds: figures(row.milliseconds),
      share: figures(row.milliseconds / total),
      gigaflops: figures(row.flops / ms / 1e6),
      gigabytesPerSecond: figures(row.bytes / ms / 1e6),
      roofline: figures(least / ms),
    };
  });
}

const table = linesTable([
  ...['ms', 'share', 'count', 'GFLOP/s', 'GB/s', 'roofline'].map((text) => ({ text, numeric: true })),
  { text: 'op', width: 18 },
  { text: 'kernel' },
]);

/** The table under a row of `bench step --profile`. */
export function renderProfile(shares: readonly KernelShare[], peaks: Peaks): string {
  const percent = (share: number, digits: number): string => `${(share * 100).toFixed(digits)}%`;
  const lines = shares.map(({ kernel, op, count, milliseconds, share, gigaflops, gigabytesPerSecond, roofline }) =>
    table.line([
      ...[milliseconds.toFixed(3), percent(share, 1), count, gigaflops ? gigaflops.toFixed(0) : null],
      ...[gigabytesPerSecond.toFixed(1), percent(roofline, 0), op, kernel.slice(0, 90)],
    ]),
  );
  const roof = `roofline: ${figures(peaks.gigaflops)} GFLOP/s (multiply-adds from registers), ${figures(peaks.gigabytesPerSecond)} GB/s (copy), both measured now`;
  return `${[roof, table.head, ...lines].map((line) => `  ${line}`).join('\n')}\n`;
}
