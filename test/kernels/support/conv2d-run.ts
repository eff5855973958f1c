import { fromHalf, toHalf } from '@initlab/core';
import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize, type Plan, weightDtype } from '@initlab/kernels';
import { type OpParity, type ParityCase, parityFill, parityInput } from '../../support/parity-fill.js';
import type { RawGpu } from '../../support/raw-gpu.js';
import { type Conv2dArrays, swapChannels } from './conv2d-cpu.js';

export const directions: readonly Conv2dDirection[] = ['forward', 'gradInput', 'gradWeight'];

/** A problem from its unusual parts. */
export const conv2dProblem = (parts: Partial<Conv2dProblem>): Conv2dProblem => ({
  batch: 1,
  inChannels: 1,
  inHeight: 1,
  inWidth: 1,
  outChannels: 1,
  kernelHeight: 1,
  kernelWidth: 1,
  stride: [1, 1],
  padding: [0, 0],
  dilation: [1, 1],
  groups: 1,
  dtype: 'f32',
  bias: false,
  ...parts,
});

/** Operands filled from a seed; what a half would round is rounded already. */
export function conv2dArrays(p: Conv2dProblem, seed: number): Conv2dArrays & { x: Float32Array; weight: Float32Array; dy: Float32Array } {
  const [outHeight, outWidth] = conv2dOutputSize(p);
  const groupIn = p.inChannels / p.groups;
  const depth = groupIn * p.kernelHeight * p.kernelWidth;
  const make = (count: number, offset: number, scale: number): Float32Array<ArrayBuffer> => {
    const values = parityFill(count, { seed: seed * 8 + offset, scale });
    return p.dtype === 'f16' ? values.map((v) => fromHalf(toHalf(v))) : values;
  };
  return {
    x: make(p.batch * p.inChannels * p.inHeight * p.inWidth, 0, 1),
    weight: make(p.outChannels * depth, 1, 1 / Math.sqrt(depth)),
    bias: p.bias ? make(p.outChannels, 2, 0.5) : undefined,
    dy: make(p.batch * p.outChannels * outHeight * outWidth, 3, 1),
  };
}

/** PyTorch's convolution of a case: the problem, its operands, and what each product makes of them. */
export function parityProblem(
  c: ParityCase,
  parity: OpParity,
): { problem: Conv2dProblem; arrays: Conv2dArrays; expected: Readonly<Record<Conv2dDirection, Float32Array>> } {
  const shape = (name: string): readonly number[] => c.inputs.find((input) => input.name === name)?.shape ?? [];
  const [batch, inChannels, inHeight, inWidth] = shape('x');
  const [outChannels, , kernelHeight, kernelWidth] = shape('weight');
  const sizes = { batch, inChannels, inHeight, inWidth, outChannels, kernelHeight, kernelWidth };
  // The attributes of a case of conv2d bear the names that a problem has for them.
  const attrs = c.attrs as Pick<Conv2dProblem, 'stride' | 'padding' | 'dilation' | 'groups'>;
  const y = parity.expected(`${c.name}/y`);
  const [x, weight, bias] = [parityInput(c, 'x'), parityInput(c, 'weight'), parityInput(c, 'bias')];
  return {
    problem: conv2dProblem({ ...sizes, ...attrs, bias: bias !== undefined }),
    arrays: { x: x ?? [], weight: weight ?? [], bias, dy: parityFill(y.length, c.cotangent ?? { seed: 0 }) },
    expected: { forward: y, gradInput: parity.expected(`${c.name}/grad/x`), gradWeight: parity.expected(`${c.name}/grad/weight`) },
  };
}

/** Runs a plan of one product; the result comes back in row-major order of its logical shape. */
export async function runConv2d(
  gpu: RawGpu,
  { problem: p, direction, plan, arrays }: { problem: Conv2dProblem; direction: Conv2dDirection; plan: Plan; arrays: Conv2dArrays },
): Promise<ArrayLike<number>> {
  const [outHeight, outWidth] = conv2dOutputSize(p);
  // Writes to buffers come in fours of bytes: an odd count of halves gets one more.
  const store = (values: Float32Array<ArrayBuffer>, dtype: 'f32' | 'f16' = p.dtype): ArrayBufferView =>
    dtype === 'f16' ? Uint16Array.from({ length: Math.ceil(values.length / 2) * 2 }, (_, i) => toHalf(values[i] ?? 0)) : values;
  const nhwc = (values: ArrayLike<number>, channels: number, pixels: number): ArrayBufferView =>
    store(swapChannels(values, { channels, pixels }));
  const [inPixels, outPixels] = [p.inHeight * p.inWidth, outHeight * outWidth];
  const weight = store(Float32Array.from(arrays.weight), weightDtype(p));
  const inputs: Record<string, ArrayBufferView> = {};
  if (direction !== 'gradInput') inputs.x = nhwc(arrays.x, p.inChannels, inPixels);
  if (direction !== 'gradWeight') inputs.weight = weight;
  if (direction !== 'forward') inputs.dy = nhwc(arrays.dy, p.outChannels, outPixels);
  if (direction === 'forward' && arrays.bias) inputs.bias = store(Float32Array.from(arrays.bias), weightDtype(p));
  const [slot, count] = {
    forward: ['y', p.batch * p.outChannels * outPixels] as const,
    gradInput: ['dx', arrays.x.length] as const,
    gradWeight: ['dw', arrays.weight.length] as const,
  }[direction];
  const half = (direction === 'gradWeight' ? weightDtype(p) : p.dtype) === 'f16';
  const bytes = (await gpu.run(plan, inputs, { [slot]: count * (half ? 2 : 4) }))[slot] as ArrayBuffer;
  const values = half ? Float32Array.from(new Uint16Array(bytes), fromHalf) : new Float32Array(bytes);
  if (direction === 'gradWeight') return values;
  const [channels, pixels] = direction === 'forward' ? [p.outChannels, outPixels] : [p.inChannels, inPixels];
  return swapChannels(values, { channels: pixels, pixels: channels });
}

/** Tiles that a software driver compiles quickly; every tile has its turn in a test of its own. */
export const smallTile = /gemm-64x16x16/;
/** The families for every adapter. The one for CPU drivers compiles anew for each shape: it has its turn under sizes. */
export const generic = ({ variant }: Plan): boolean => /direct|depthwise/.test(variant) || smallTile.test(variant);
