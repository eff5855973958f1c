import { InitlabError } from '@initlab/core';

/** What is known of some runs that differ by their seed alone: a mean, and with two runs or more their spread. */
export interface Sample {
  readonly mean: number;
  /** Sample standard deviation (n − 1); absent for one run. */
  readonly std?: number;
  /** Number of runs. */
  readonly count: number;
}

/** Mean and sample standard deviation. Throws without values; a value that is not finite makes the mean not finite. */
export function sampleOf(values: readonly number[]): Sample {
  const count = values.length;
  if (count === 0) throw new InitlabError('sampleOf: there are no values; a mean needs one');
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { mean, count };
  return { mean, std: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)), count };
}
