import { add, backward, compile, type Device, Generator, mul, noGrad, sum, type Tensor, tensor } from '@initlab/core';
import { listNorms, type Module, normFactory } from '@initlab/nn';
import { figures, median } from './statistics.js';

/** N, C, height = width: the shapes of the reference measurements. */
export const normShapes = [
  [16, 32],
  [64, 32],
] as const;

export interface NormRow {
  readonly norm: string;
  readonly shape: readonly number[];
  readonly pass: 'forward' | 'forward and backward';
  readonly adapter: string;
  /** Bytes through memory, in units of the input's; each binding of each dispatch counted once. */
  readonly passes: number;
  readonly dispatches: number;
  readonly ms: number;
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

/** Time every norm on one shape, forward alone and with its gradients. */
export async function benchNorms(
  device: Device,
  { batch, channels, size }: { batch: number; channels: number; size: number },
): Promise<NormRow[]> {
  const shape = [batch, channels, size, size];
  const generator = new Generator(1);
  const random = (): Tensor =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => generator.normal()),
      { shape, format: 'channelsLast', device },
    );
  const [x, residual, cotangent] = [random().requiresGrad_(), random(), random()];
  const rows: NormRow[] = [];
  for (const { name, module, forward } of layers(channels, device)) {
    const steps = {
      forward: compile(() => noGrad(() => forward(x, residual)), { device }),
      'forward and backward': compile(
        () => {
          for (const leaf of [x, ...module.parameters()]) leaf.grad = undefined;
          backward(sum(mul(forward(x, residual), cotangent)));
          return [x, ...module.parameters()].map((leaf) => leaf.grad as Tensor);
        },
        { device },
      ),
    };
    for (const pass of ['forward', 'forward and backward'] as const) {
      const step = steps[pass];
      step();
      await device.sync();
      const times: number[] = [];
      const budget = performance.now() + 700;
      while (times.length < 3 || (times.length < 20 && performance.now() < budget)) {
        const begin = performance.now();
        step();
        await device.sync();
        times.push(performance.now() - begin);
      }
      const gpu =
        device.caps.software || !device.facts.features.includes('timestamp-query') ? undefined : await device.profile(() => void step());
      const { dispatches, bytesMoved } = step.stats();
      const ms = gpu ? gpu.reduce((total, r) => total + r.milliseconds, 0) : median(times);
      const passes = figures(bytesMoved / (x.size * 4));
      rows.push({ norm: name, shape, pass, adapter: device.caps.adapter, passes, dispatches, ms: figures(ms) });
      step.dispose();
    }
    module.dispose();
  }
  for (const t of [x, residual, cotangent]) t.dispose();
  return rows;
}
