import { compile, conv2d, type Device, Generator, grad, noGrad, type Tensor, tensor } from '@initlab/core';
import { figures, median } from './statistics.js';

/** N, height = width, input channels, output channels, kernel, groups: the rows of the reference table. */
export const convolutionShapes: readonly (readonly [number, number, number, number, number])[] = [
  [32, 16, 16, 3, 1],
  [16, 32, 32, 3, 1],
  [8, 64, 64, 3, 1],
  [32, 64, 64, 3, 1],
  [16, 128, 128, 3, 1],
  [8, 256, 256, 3, 1],
  [4, 512, 512, 3, 1],
  [32, 3, 64, 3, 1],
  [32, 64, 256, 1, 1],
  [32, 96, 96, 3, 96],
];
export const convolutionDirections = ['forward', 'gradInput', 'gradWeight'] as const;

export interface ConvolutionRow {
  readonly shape: string;
  readonly direction: (typeof convolutionDirections)[number];
  readonly precision: 'f32';
  readonly adapter: string;
  readonly batch: number;
  readonly variant: string;
  /** Milliseconds of the product with its packing; wall time of many runs where the adapter has no timestamps. */
  readonly gpuMs: number;
  readonly gflops: number;
}

/** Time the three products of one convolution ("same" padding, stride 1). */
export async function benchConvolution(
  device: Device,
  shape: (typeof convolutionShapes)[number],
  batch: number,
): Promise<ConvolutionRow[]> {
  const [size, inputs, outputs, kernel, groups] = shape;
  const generator = new Generator(1);
  const random = (dims: readonly number[], format: 'channelsLast' | 'rowMajor'): Tensor =>
    tensor(
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => generator.uniform() - 0.5),
      { shape: dims, format, device, requiresGrad: true },
    );
  const x = random([batch, inputs, size, size], 'channelsLast');
  const weight = random([outputs, inputs / groups, kernel, kernel], 'rowMajor');
  const gradient = random([batch, outputs, size, size], 'channelsLast');
  const run = (): Tensor => conv2d(x, weight, { padding: (kernel - 1) / 2, groups });
  const bodies = {
    forward: () => noGrad(run),
    gradInput: () => grad(run(), [x], { gradient })[0],
    gradWeight: () => grad(run(), [weight], { gradient })[0],
  };
  const flops = (2 * batch * size * size * outputs * kernel * kernel * inputs) / groups;
  const rows: ConvolutionRow[] = [];
  for (const direction of convolutionDirections) {
    // The forward that grad records is not needed by its result, so the compiled step leaves it out.
    const step = compile(bodies[direction], { device });
    step();
    await device.sync();
    const times: number[] = [];
    const budget = performance.now() + 1500;
    while (times.length < 3 || (times.length < 15 && performance.now() < budget)) {
      const begin = performance.now();
      step();
      await device.sync();
      times.push(performance.now() - begin);
    }
    const timed =
      device.facts.features.includes('timestamp-query') && !device.caps.software ? await device.profile(() => void step()) : undefined;
    const ms = timed ? timed.reduce((sum, r) => sum + r.milliseconds, 0) : median(times);
    const variant = step.stats().variants.find((v) => v.includes('conv2d')) ?? '';
    rows.push({
      shape: `${batch}x${inputs}x${size}x${size} -> ${outputs} ${kernel}x${kernel}${groups > 1 ? ` g${groups}` : ''}`,
      direction,
      precision: 'f32',
      adapter: device.caps.adapter,
      batch,
      variant: variant.replace(/^\w+: /, ''),
      gpuMs: figures(ms),
      gflops: figures(flops / ms / 1e6),
    });
    step.dispose();
  }
  for (const t of [x, weight, gradient]) t.dispose();
  return rows;
}
