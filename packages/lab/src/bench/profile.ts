import type { ProfileRow } from '@initlab/core';
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

/** The table under a row of `bench step --profile`. */
export function renderProfile(shares: readonly KernelShare[], peaks: Peaks): string {
  const cell = (text: string | number, width: number): string => String(text).padStart(width);
  const lines = shares.map(({ kernel, op, count, milliseconds, share, gigaflops, gigabytesPerSecond, roofline }) =>
    [
      cell(milliseconds.toFixed(3), 11),
      cell(`${(share * 100).toFixed(1)}%`, 7),
      cell(count, 6),
      cell(gigaflops ? gigaflops.toFixed(0) : '–', 9),
      cell(gigabytesPerSecond.toFixed(1), 8),
      cell(`${(roofline * 100).toFixed(0)}%`, 10),
      `  ${op.padEnd(18)} ${kernel.slice(0, 90)}`,
    ].join(''),
  );
  const head = `${cell('ms', 11)}${cell('share', 7)}${cell('count', 6)}${cell('GFLOP/s', 9)}${cell('GB/s', 8)}${cell('roofline', 10)}  op                 kernel`;
  const roof = `  roofline: ${figures(peaks.gigaflops)} GFLOP/s (multiply-adds from registers), ${figures(peaks.gigabytesPerSecond)} GB/s (copy), both measured now`;
  return `${[roof, head, ...lines].join('\n')}\n`;
}
