import { type Difference, type Sample, verdictOf } from '../statistics/index.js';

/** `72.14`, `72.14 ± 0.32 (3)`, `diverged`, or `–` where nothing was measured. */
export function showSample(sample: Sample | undefined, digits: number): string {
  if (!sample) return '–';
  if (!Number.isFinite(sample.mean)) return 'diverged';
  const std = sample.std !== undefined && Number.isFinite(sample.std) ? ` ± ${sample.std.toFixed(digits)}` : '';
  return `${sample.mean.toFixed(digits)}${std}${sample.count > 1 ? ` (${sample.count})` : ''}`;
}

/** `+0.38 [0.18, 0.58]`, with the paired or Welch's interval of 95 %; without one where a spread is not known. */
export function showDifference({ mean, interval }: Difference, digits: number): string {
  if (!Number.isFinite(mean)) return '';
  const signed = (value: number): string => {
    const text = value.toFixed(digits);
    if (Number(text) === 0) return (0).toFixed(digits);
    return value > 0 ? `+${text}` : `−${text.slice(1)}`;
  };
  return interval ? `${signed(mean)} [${signed(interval.low)}, ${signed(interval.high)}]` : signed(mean);
}

/** `better`, `worse`, or nothing where the interval does not say so. */
export function showVerdict(difference: Difference | undefined, better: 'higher' | 'lower'): string {
  const verdict = difference ? verdictOf(difference) : 'undecided';
  return verdict === 'undecided' ? '' : verdict === better ? 'better' : 'worse';
}
