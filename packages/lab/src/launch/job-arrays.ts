/** A job array: tasks `offset` to `offset + tasks - 1` of a submission, numbered from 0 by Slurm. */
export interface JobArray {
  readonly offset: number;
  readonly tasks: number;
  /** Tasks of it that may run at once. */
  readonly throttle?: number;
  /** The array, by its place in the list, whose end it waits for. */
  readonly after?: number;
}

export interface ArrayLimits {
  /** Slurm's MaxArraySize: the highest number a task may have is one less. */
  readonly maxArraySize: number;
  /** Tasks that may run at once, of all arrays together; null for any. */
  readonly maxParallel: number | null;
}

/**
 * Cuts tasks into arrays as even as can be. Slurm throttles each array by itself, so what may run at once is shared out among
 * them; where there are more arrays than that, they stand in as many queues, each waiting for the one before it.
 */
export function planArrays(tasks: number, { maxArraySize, maxParallel }: ArrayLimits): JobArray[] {
  const arrays = Math.ceil(tasks / maxArraySize);
  const queues = Math.min(arrays, maxParallel ?? arrays);
  return Array.from({ length: arrays }, (_, i) => {
    const offset = Math.floor((i * tasks) / arrays);
    const queue = i % queues;
    return {
      offset,
      tasks: Math.floor(((i + 1) * tasks) / arrays) - offset,
      ...(maxParallel === null ? {} : { throttle: Math.floor(maxParallel / queues) + (queue < maxParallel % queues ? 1 : 0) }),
      ...(i >= queues ? { after: i - queues } : {}),
    };
  });
}
