import type { Call } from './call.js';

/** What convolutions and poolings of ONNX have in common, a number each spatial dimension. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Both sides have the same padding, as PyTorch's options have it. */
  readonly even: boolean;
}

/** `SAME_UPPER` and `SAME_LOWER` split what is needed for ⌈size / stride⌉ windows; the odd pixel is above, or below. */
export function windowsOf(call: Call, kernel: readonly number[], size: readonly number[]): Windows {
  const ones = kernel.map(() => 1);
  const [stride, dilation] = [call.list('strides') ?? ones, call.list('dilations') ?? ones];
  const auto = call.text('auto_pad', 'NOTSET');
  const pads = call.list('pads') ?? kernel.flatMap(() => [0, 0]);
  const total = size.map((length, i) => {
    const step = stride[i] as number;
    const span = ((kernel[i] as number) - 1) * (dilation[i] as number) + 1;
    return Math.max(0, (Math.ceil(length / step) - 1) * step + span - length);
  });
  const same = auto.startsWith('SAME');
  const before = same ? total.map((t) => (auto === 'SAME_UPPER' ? Math.floor : Math.ceil)(t / 2)) : pads.slice(0, kernel.length);
  const after = same ? total.map((t, i) => t - (before[i] as number)) : pads.slice(kernel.length);
  return { kernel, stride, dilation, before, after, even: before.every((p, i) => p === after[i]) };
}

/** An option of two-dimensional functions. */
export const pair = (list: readonly number[]): [number, number] => {
  if (list.length !== 2) throw new Error(`not a pair: ${list}`);
  return list as [number, number];
};
