import { type CompiledStep, compile, conv2d, type Device, type DType, Generator, grad, noGrad, type Tensor, tensor } from '@initlab/core';
import { figures } from './statistics.js';
import { type RunTime, timeRuns } from './time-runs.js';

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
export type ConvolutionShape = (typeof convolutionShapes)[number];
const convolutionDirections = ['forward', 'gradInput', 'gradWeight'] as const;
type Direction = (typeof convolutionDirections)[number];

export interface ConvolutionOptions {
  readonly shape: ConvolutionShape;
  readonly batch: number;
  /** `mixed` as in training: f16 activations beside f32 weights. */
  readonly precision: 'f32' | 'mixed';
}

export interface ConvolutionRow extends RunTime {
  readonly shape: string;
  readonly direction: Direction;
  readonly precision: 'f32' | 'mixed';
  readonly adapter: string;
  readonly batch: number;
  readonly variant: string;
  /** Of the GPU's time where it is known, else of the wall's. The filters' packing is part of both. */
  readonly gflops: number;
}

/** The three products of one convolution ("same" padding, stride 1), each compiled alone, and how to free them. */
export function convolutionSteps(
  device: Device,
  { shape, batch, precision }: ConvolutionOptions,
): { steps: Readonly<Record<Direction, CompiledStep<Tensor>>>; dispose(): void } {
  const [size, inputs, outputs, kernel, groups] = shape;
  const generator = new Generator(1);
  const random = (dims: readonly number[], format: 'channelsLast' | 'rowMajor', dtype: DType = 'f32'): Tensor =>
    tensor(
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => generator.uniform() - 0.5),
      { shape: dims, format, dtype, device, requiresGrad: true },
    );
  const activations = precision === 'mixed' ? 'f16' : 'f32';
  const x = random([batch, inputs, size, size], 'channelsLast', activations);
  const weight = random([outputs, inputs / groups, kernel, kernel], 'rowMajor');
  const gradient = random([batch, outputs, size, size], 'channelsLast', activations);
  const run = (): Tensor => conv2d(x, weight, { padding: (kernel - 1) / 2, groups });
  // The forward that grad records is not needed by its result, so a compiled step leaves it out.
  const steps = {
    forward: compile(() => noGrad(run), { device }),
    gradInput: compile(() => grad(run(), [x], { gradient })[0] as Tensor, { device }),
    gradWeight: compile(() => grad(run(), [weight], { gradient })[0] as Tensor, { device }),
  };
  return {
    steps,
    dispose: () => {
      for (const part of [...Object.values(steps), x, weight, gradient]) part.dispose();
    },
  };
}

/** Time the three products of one convolution. */
export async function benchConvolution(device: Device, options: ConvolutionOptions): Promise<ConvolutionRow[]> {
  const { shape, batch, precision } = options;
  const [size, inputs, outputs, kernel, groups] = shape;
  const { steps, dispose } = convolutionSteps(device, options);
  const flops = (2 * batch * size * size * outputs * kernel * kernel * inputs) / groups;
  const rows: ConvolutionRow[] = [];
  for (const direction of convolutionDirections) {
    const step = steps[direction];
    const time = await timeRuns(device, () => step().dispose());
    const variant = step.stats().variants.find((v) => v.includes('conv2d')) ?? '';
    rows.push({
      shape: `${batch}x${inputs}x${size}x${size} -> ${outputs} ${kernel}x${kernel}${groups > 1 ? ` g${groups}` : ''}`,
      direction,
      precision,
      adapter: device.caps.adapter,
      batch,
      variant: variant.replace(/^\w+: /, ''),
      ...time,
      gflops: figures(flops / (time.gpuMs ?? time.wallMs) / 1e6),
    });
  }
  dispose();
  return rows;
}
