import type { Dispatch } from '@initlab/kernels';
import { OpError } from '../checks/errors.js';

export interface DispatchLimits {
  /** Largest part of a buffer one binding may cover. */
  readonly maxBinding: number;
  /** Largest number of workgroups along one dimension. */
  readonly maxWorkgroups: number;
  /** What the offset of a binding is a multiple of. */
  readonly offsetAlignment: number;
}

interface Entry {
  readonly resource: { readonly buffer: { readonly size: number }; readonly offset: number; readonly size: number };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * Throws what a driver would find wrong with a dispatch. A driver tells it when the work is submitted, and then none of the
 * work beside it is done.
 */
export function checkDispatch(op: string, dispatch: Dispatch, entries: readonly Entry[], limits: DispatchLimits): void {
  const refuse = (why: string): never => {
    throw new OpError(op, `kernel ${dispatch.kernel.name} ${why}`);
  };
  const { bindings } = dispatch.kernel;
  for (const [i, { resource }] of entries.entries()) {
    const { buffer, offset, size } = resource;
    if (size > limits.maxBinding)
      throw new OpError(
        op,
        `a tensor of ${mebibytes(size)} is more than this adapter binds at once (${mebibytes(limits.maxBinding)}); use smaller batches`,
      );
    if (!(size > 0)) refuse(`binds ${size} bytes of operand ${i}, an empty tensor; sizes have to be from 1 here`);
    if (offset % limits.offsetAlignment !== 0 || offset + size > buffer.size)
      refuse(`binds bytes ${offset} to ${offset + size} of a buffer of ${buffer.size}`);
    if (bindings[i] !== 'readWrite') continue;
    for (const [k, { resource: other }] of entries.entries()) {
      if (k === i || other.buffer !== buffer) continue;
      // WebGPU refuses a buffer that one dispatch both reads and writes, even where the parts differ.
      const apart = other.offset >= offset + size || offset >= other.offset + other.size;
      if (bindings[k] !== 'readWrite' || !apart) refuse('would use one buffer twice and write to it');
    }
  }
  for (const count of dispatch.workgroups)
    if (!Number.isInteger(count) || count < 0 || count > limits.maxWorkgroups)
      refuse(`needs ${dispatch.workgroups.join(' × ')} workgroups, and this adapter has up to ${limits.maxWorkgroups} a dimension`);
}
