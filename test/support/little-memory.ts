import { type Device, OutOfMemoryError, Tensor } from '@initlab/core';
import { expect } from 'vitest';

/** Bytes that can be asked for one by one: the smallest buffer. */
const unit = 256;

/** Takes all memory but `free` bytes while `body` runs. */
function withFree(device: Device, { limit, free }: { limit: number; free: number }, body: () => void): void {
  const takers: Tensor[] = [];
  const room = (): number => limit - device.memory.liveBytes - free;
  for (let left = room(); left >= unit; left = room()) {
    // Classes above 4 KiB are coarser than the unit.
    const bytes = Math.min(4096, 2 ** Math.floor(Math.log2(left)));
    takers.push(Tensor.allocate(device, { shape: [bytes / 4], dtype: 'f32', format: 'rowMajor' }, 'taker'));
  }
  try {
    body();
  } finally {
    for (const taker of takers) taker.dispose();
  }
}

/** Frees the tensors in a value. */
export const disposeAll = (made: unknown): void => {
  if (made instanceof Tensor) made.dispose();
  else if (made !== null && typeof made === 'object') for (const each of Object.values(made)) disposeAll(each);
};

/**
 * Runs a call with more and more memory until there is enough, on a device that was opened with this `memoryLimit`. Expects that
 * each refusal is an `OutOfMemoryError` and gives back what the call took; counts them.
 */
export function refusedUntilItFits(device: Device, { limit, call }: { limit: number; call: () => unknown }): number {
  for (let refusals = 0, free = 0; ; free = free === 0 ? unit : Math.ceil((free * 1.3) / unit) * unit) {
    let fits = false;
    withFree(device, { limit, free }, () => {
      const before = device.memory.liveBytes;
      try {
        disposeAll(call());
        fits = true;
      } catch (error) {
        expect(error).toBeInstanceOf(OutOfMemoryError);
        expect(device.memory.liveBytes - before, `left by a refusal with ${free} bytes free`).toBe(0);
        refusals++;
      }
    });
    if (fits) return refusals;
  }
}
