/** When a value exists: from the step that writes it to the last step that reads it, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** A buffer that is to be made, and the values that lie in it one after another. */
export interface PlannedBuffer<V extends Lifetime> {
  bytes: number;
  readonly values: V[];
}

/**
 * Assign values to buffers so that two values that exist at the same step never share one. Lifetimes are closed, so a
 * step's inputs and outputs are always in different buffers: WebGPU refuses one buffer bound for reading and writing.
 * Greedy in order of first use, largest first within a step: best fit, else grow the largest free buffer.
 */
export function planMemory<V extends Lifetime>(values: readonly V[]): readonly PlannedBuffer<V>[] {
  const buffers: (PlannedBuffer<V> & { busyUntil: number })[] = [];
  for (const value of [...values].sort((a, b) => a.first - b.first || b.bytes - a.bytes)) {
    const { bytes, first, last } = value;
    let fit: (typeof buffers)[number] | undefined;
    let largest: typeof fit;
    for (const buffer of buffers) {
      if (buffer.busyUntil >= first) continue;
      if (buffer.bytes >= bytes && (!fit || buffer.bytes < fit.bytes)) fit = buffer;
      if (!largest || buffer.bytes > largest.bytes) largest = buffer;
    }
    let chosen = fit ?? largest;
    if (!chosen) {
      chosen = { bytes, values: [], busyUntil: last };
      buffers.push(chosen);
    }
    chosen.bytes = Math.max(chosen.bytes, bytes);
    chosen.busyUntil = last;
    chosen.values.push(value);
  }
  return buffers;
}
