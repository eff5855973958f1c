import { type Device, relu, scope, zeros } from '@initlab/core';
import { fmaProbe } from '@initlab/core/internal';

/** What an adapter can do at most, measured. */
export interface Peaks {
  readonly gigabytesPerSecond: number;
  readonly gigaflops: number;
}

/** Reading and writing a buffer larger than any cache, and multiply-adds from registers; the best of several runs each. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  const { software } = device.caps;
  const elements = (software ? 4 : 64) * 2 ** 20;
  const work = software ? { invocations: 2 ** 12, rounds: 2 ** 10 } : { invocations: 2 ** 20, rounds: 2 ** 12 };
  const x = zeros([elements], { device });
  const best = async (run: () => void): Promise<number> => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 6; i++) {
      const rows = await device.profile(() => scope(() => void run()));
      least = Math.min(least, rows[0]?.milliseconds || Number.POSITIVE_INFINITY);
    }
    return least;
  };
  const copyMs = await best(() => void relu(x));
  const computeMs = await best(() => void fmaProbe(x, work));
  x.dispose();
  return { gigabytesPerSecond: (elements * 8) / copyMs / 1e6, gigaflops: (work.invocations * work.rounds * 64) / computeMs / 1e6 };
}
