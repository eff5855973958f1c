import type { BandPoint } from './band-spec.js';

/** A value of one training at one place of the axis. */
export interface BandInput {
  readonly x: number;
  readonly value: number;
}

/** Mean, least and greatest of the finite values at each place. */
export function bands(series: string, values: readonly BandInput[]): BandPoint[] {
  const places = new Map<number, number[]>();
  for (const { x, value } of values)
    if (Number.isFinite(value)) {
      const there = places.get(x);
      if (there) there.push(value);
      else places.set(x, [value]);
    }
  return [...places]
    .sort(([a], [b]) => a - b)
    .map(([x, all]) => ({ series, x, mean: all.reduce((a, b) => a + b, 0) / all.length, low: Math.min(...all), high: Math.max(...all) }));
}
