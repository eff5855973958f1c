import { benchConvolution, convolutionShapes } from '../bench/conv2d.js';
import { benchNorms, normShapes } from '../bench/norm.js';
import { benchStep } from '../bench/step.js';
import { usualBatch } from '../bench/training-step.js';
import { openTunedDevice } from '../tune/index.js';

export interface BenchOptions {
  readonly models: readonly string[];
  readonly batch?: number;
  readonly json?: boolean;
  readonly profile?: boolean;
}

/** `initlab bench step`: whole training steps. A row a model; with `json` a line of JSON each. */
export async function benchStepCommand({ models, batch, json = false, profile = false }: BenchOptions): Promise<number> {
  const device = await openTunedDevice();
  if (!json)
    process.stdout.write(
      `${device.caps.adapter}\n${'model'.padEnd(14)}batch   wall ms    gpu ms   js ms  µs/dispatch  first ms  dispatches  peak MB\n`,
    );
  for (const model of models) {
    const size = batch ?? usualBatch(model, device);
    const row = await benchStep(device, { model, batch: size, profile });
    if (json) {
      process.stdout.write(`${JSON.stringify(row)}\n`);
      continue;
    }
    const cells = [
      row.wallMs,
      row.gpuMs ?? '–',
      row.jsMs,
      row.jsUsPerDispatch,
      row.firstStepMs,
      row.dispatches,
      (row.peakBytes / 1e6).toFixed(1),
    ];
    const widths = [10, 10, 8, 13, 10, 12, 9];
    process.stdout.write(
      `${model.padEnd(14)}${String(size).padStart(5)}${cells.map((c, i) => String(c).padStart(widths[i] ?? 8)).join('')}\n`,
    );
    for (const r of row.profile ?? [])
      process.stdout.write(
        `  ${r.milliseconds.toFixed(3).padStart(9)} ms ${String(r.count).padStart(4)} × ${r.op.padEnd(18)} ${r.kernel.slice(0, 100)}\n`,
      );
  }
  device.close();
  return 0;
}

/** `initlab bench conv2d`: the three products of ten convolutions. */
export async function benchConv2dCommand({ batch, json = false }: Omit<BenchOptions, 'models' | 'profile'>): Promise<number> {
  const device = await openTunedDevice();
  if (!json) process.stdout.write(`${device.caps.adapter}\n${'shape'.padEnd(34)}${'direction'.padEnd(12)}      ms   GFLOP/s  variant\n`);
  for (const shape of convolutionShapes)
    for (const row of await benchConvolution(device, shape, batch ?? (device.caps.software ? 8 : 128)))
      process.stdout.write(
        json
          ? `${JSON.stringify(row)}\n`
          : `${row.shape.padEnd(34)}${row.direction.padEnd(12)}${String(row.gpuMs).padStart(8)}${String(row.gflops).padStart(10)}  ${row.variant}\n`,
      );
  device.close();
  return 0;
}

/** `initlab bench norm`: every norm, forward alone and with gradients; "passes" are bytes in units of the input's. */
export async function benchNormCommand({ batch, json = false }: Omit<BenchOptions, 'models' | 'profile'>): Promise<number> {
  const device = await openTunedDevice();
  if (!json)
    process.stdout.write(
      `${device.caps.adapter}\n${'norm'.padEnd(20)}${'shape'.padEnd(18)}${'pass'.padEnd(22)}passes  dispatches        ms\n`,
    );
  for (const [channels, size] of normShapes)
    for (const row of await benchNorms(device, { batch: batch ?? (device.caps.software ? 8 : 128), channels, size }))
      process.stdout.write(
        json
          ? `${JSON.stringify(row)}\n`
          : `${row.norm.padEnd(20)}${row.shape.join('x').padEnd(18)}${row.pass.padEnd(22)}${String(row.passes).padStart(6)}${String(row.dispatches).padStart(12)}${String(row.ms).padStart(10)}\n`,
      );
  device.close();
  return 0;
}
