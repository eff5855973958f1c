import { add, compile, type Device, Generator, grad, noGrad, type Tensor, tensor } from '@initlab/core';
import { listNorms, type Module, normFactory } from '@initlab/nn';
import { figures } from './statistics.js';
import { type RunTime, timeRuns } from './time-runs.js';

/** C, height = width: the shapes of the reference measurements, and on a GPU one that is larger than its L2. */
export const normShapes = ({ caps }: Device): readonly (readonly [number, number])[] => [
  [16, 32],
  [64, 32],
  ...(caps.software ? [] : [[256, 32] as const]),
];

export interface NormRow extends RunTime {
  readonly norm: string;
  readonly shape: readonly number[];
  readonly pass: 'forward' | 'forward and backward';
  readonly adapter: string;
  /** Bytes through memory, in units of the input's; each binding of each dispatch counted once. */
  readonly passes: number;
  readonly dispatches: number;
  /** Those bytes over the GPU's time where it is known, else over the wall's. */
  readonly gigabytesPerSecond: number;
}

interface Layer {
  readonly name: string;
  readonly forward: (x: Tensor, residual: Tensor) => Tensor;
  readonly module: Module;
}

/** The registered layers, and group norm + add: what gated-group would cost as a kernel written by hand. */
function layers(channels: number, device: Device): Layer[] {
  const own = listNorms()
    .filter(({ make, name }) => !make.convolution && name !== 'none')
    .map(({ name, make }): Layer => {
      const module = make(channels, { device });
      return { name, module, forward: (x) => module.forward(x) };
    });
  const group = normFactory('group')(channels, { device });
  return [...own, { name: 'group + add', module: group, forward: (x, residual) => add(group.forward(x), residual) }];
}

/** Time norms (all, or those named) on one shape, forward alone and with their gradients. */
export async function benchNorms(
  device: Device,
  { batch, channels, size, only }: { batch: number; channels: number; size: number; only?: readonly string[] },
): Promise<NormRow[]> {
  const shape = [batch, channels, size, size];
  const generator = new Generator(1);
  const random = (): Tensor =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => generator.normal()),
      { shape, format: 'channelsLast', device },
    );
  const [x, residual, gradient] = [random().requiresGrad_(), random(), random()];
  const rows: NormRow[] = [];
  for (const { name, module, forward } of layers(channels, device)) {
    if (only && !only.includes(name)) {
      module.dispose();
      continue;
    }
    const steps = {
      forward: compile(() => noGrad(() => [forward(x, residual)]), { device }),
      // The result is returned too: what nobody reads is not computed.
      'forward and backward': compile(
        () => {
          const y = forward(x, residual);
          return [y, ...grad(y, [x, ...module.parameters()], { gradient })];
        },
        { device },
      ),
    };
    for (const pass of ['forward', 'forward and backward'] as const) {
      const step = steps[pass];
      const run = (): void => {
        for (const y of step()) y.dispose();
      };
      const time = await timeRuns(device, run, { budgetMs: 700 });
      const { dispatches, bytesMoved } = step.stats();
      const gigabytesPerSecond = figures(bytesMoved / (time.gpuMs ?? time.wallMs) / 1e6);
      const passes = figures(bytesMoved / (x.size * 4));
      rows.push({ norm: name, shape, pass, adapter: device.caps.adapter, passes, dispatches, ...time, gigabytesPerSecond });
      step.dispose();
    }
    module.dispose();
  }
  for (const t of [x, residual, gradient]) t.dispose();
  return rows;
}
