import { compile, type Device, relu, type Tensor, zeros } from '@initlab/core';
import { figures, median } from './statistics.js';

/** What it costs to get work to the GPU and results back; medians. */
export interface DispatchRow {
  readonly adapter: string;
  /** Tiny dispatches of the replayed step, each reading what the one before wrote. */
  readonly dispatches: number;
  /** JavaScript of one replayed dispatch. */
  readonly jsUs: number;
  /** Wall time of one, many in a row: the larger of JavaScript's and the GPU's. */
  readonly wallUs: number;
  /** One dispatch and waiting for it. */
  readonly roundTripMs: number;
  /** The same and reading its 16 bytes. */
  readonly readbackMs: number;
}

export async function benchDispatch(device: Device, { dispatches = 256, rounds = 15 } = {}): Promise<DispatchRow> {
  const x = zeros([4], { device });
  const chain = (length: number) =>
    compile(
      () => {
        let y: Tensor = x;
        for (let i = 0; i < length; i++) y = relu(y);
        return y;
      },
      // One kernel for the whole chain would be no chain.
      { device, rewrites: { fusePointwise: false } },
    );
  const [long, single] = [chain(dispatches), chain(1)];
  for (const step of [long, single]) for (let i = 0; i < 3; i++) await step().read();
  const [js, wall, trip, readback]: number[][] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    for (let i = 0; i < 4; i++) {
      const before = performance.now();
      long().dispose();
      js?.push(((performance.now() - before) * 1e3) / dispatches);
    }
    await device.sync();
    wall?.push(((performance.now() - begin) * 1e3) / (4 * dispatches));
    const started = performance.now();
    single().dispose();
    await device.sync();
    trip?.push(performance.now() - started);
    const asked = performance.now();
    await single().read();
    readback?.push(performance.now() - asked);
  }
  for (const step of [long, single]) step.dispose();
  x.dispose();
  const middle = (values: number[] | undefined): number => figures(median(values ?? []));
  return {
    adapter: device.caps.adapter,
    dispatches,
    jsUs: middle(js),
    wallUs: middle(wall),
    roundTripMs: middle(trip),
    readbackMs: middle(readback),
  };
}
