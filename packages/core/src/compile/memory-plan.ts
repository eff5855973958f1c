/** When a value exists: from the step that writes it to the last step that reads it, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface MemoryPlan {
  /** Buffer of each value, by index into `sizes`. */
  readonly buffer: readonly number[];
  /** Bytes of each buffer. */
  readonly sizes: readonly number[];
}

/**
 * Assign values to buffers so that two values that exist at the same step never share one. Lifetimes are closed, so a
 * step's inputs and outputs are always in different buffers: WebGPU refuses one buffer bound for reading and writing.
 * Greedy in order of first use, largest first within a step: best fit, else grow the largest free buffer.
 */
export function planMemory(values: readonly Lifetime[]): MemoryPlan {
  const order = values
    .map((_, i) => i)
    .sort((a, b) => at(values, a).first - at(values, b).first || at(values, b).bytes - at(values, a).bytes);
  const sizes: number[] = [];
  const busyUntil: number[] = [];
  const buffer = new Array<number>(values.length);
  for (const index of order) {
    const { bytes, first, last } = at(values, index);
    let fit = -1;
    let largest = -1;
    sizes.forEach((size, candidate) => {
      if ((busyUntil[candidate] as number) >= first) return;
      if (size >= bytes && (fit < 0 || size < (sizes[fit] as number))) fit = candidate;
      if (largest < 0 || size > (sizes[largest] as number)) largest = candidate;
    });
    let chosen = fit >= 0 ? fit : largest;
    if (chosen < 0) {
      chosen = sizes.length;
      sizes.push(bytes);
    }
    sizes[chosen] = Math.max(sizes[chosen] as number, bytes);
    busyUntil[chosen] = last;
    buffer[index] = chosen;
  }
  return { buffer, sizes };
}

const at = (values: readonly Lifetime[], index: number): Lifetime => values[index] as Lifetime;
