import type { Conv2dPlan } from './conv2d-plan.js';
import type { Epilogue } from './epilogue.js';

/**
 * The sums of an epilogue over all rows, joined in float64: pairs [channels, 2] of mean and sum of squared deviations, or of
 * the two plain sums. Whatever the parts were, they are the same.
 */
export function epilogueTotals(
  sums: ArrayLike<number>,
  { plan, channels, rows, kind }: { plan: Conv2dPlan; channels: number; rows: number; kind: NonNullable<Epilogue['sums']> },
): Float64Array {
  if (!plan.parts) throw new Error(`kernels: ${plan.variant} leaves no sums`);
  const { count, rows: rowsPerPart } = plan.parts;
  const totals = new Float64Array(channels * 2);
  for (let c = 0; c < channels; c++) {
    let [n, first, second] = [0, 0, 0];
    for (let part = 0; part < count; part++) {
      const [a, b] = [sums[(part * channels + c) * 2] as number, sums[(part * channels + c) * 2 + 1] as number];
      const size = Math.min(rowsPerPart, rows - part * rowsPerPart);
      if (kind === 'moments') {
        second += b + ((a - first) ** 2 * n * size) / (n + size);
        first += ((a - first) * size) / (n + size);
        n += size;
      } else [first, second] = [first + a, second + b];
    }
    totals.set([first, second], c * 2);
  }
  return totals;
}
