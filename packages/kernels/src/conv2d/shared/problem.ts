import { ceilDiv } from '../../kernel.js';

/** A 2-D convolution. Activations lie NHWC, weights OIHW row-major; sizes in elements, pairs are [height, width]. */
export interface Conv2dProblem {
  readonly batch: number;
  readonly inChannels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  /** Storage type of activations and their gradients; sums are f32 always. */
  readonly dtype: 'f32' | 'f16';
  /** Storage type of weights, bias and the weight gradient: f32 beside f16 activations in mixed precision. Default: `dtype`. */
  readonly weightDtype?: 'f32' | 'f16';
  readonly bias: boolean;
}

/**
 * The three products. Slots: `forward` x, weight, bias? → y; `gradInput` dy, weight → dx; `gradWeight` x, dy → dw.
 */
export type Conv2dDirection = 'forward' | 'gradInput' | 'gradWeight';
/** Those that make images of images. */
export type ImageDirection = Exclude<Conv2dDirection, 'gradWeight'>;

/** Output height and width, PyTorch's formula; not positive when the kernel does not fit. */
export function conv2dOutputSize(
  p: Pick<Conv2dProblem, 'inHeight' | 'inWidth' | 'kernelHeight' | 'kernelWidth' | 'stride' | 'padding' | 'dilation'>,
): [number, number] {
  const along = (size: number, kernel: number, axis: 0 | 1): number =>
    Math.floor((size + 2 * p.padding[axis] - p.dilation[axis] * (kernel - 1) - 1) / p.stride[axis]) + 1;
  return [along(p.inHeight, p.kernelHeight, 0), along(p.inWidth, p.kernelWidth, 1)];
}

/** Images that a product reads or makes: their slot, and what lies there. */
export interface Images {
  readonly slot: 'x' | 'y' | 'dx' | 'dy';
  readonly size: readonly [number, number];
  readonly channels: number;
}

/** A product's `source` and `result`, and `inner` and `outer`, their channels in a group. */
export function imagesOf(p: Conv2dProblem, direction: ImageDirection) {
  const input = { size: [p.inHeight, p.inWidth], channels: p.inChannels } as const;
  const output = { size: conv2dOutputSize(p), channels: p.outChannels };
  const [source, result]: readonly [Images, Images] =
    direction === 'forward'
      ? [
          { slot: 'x', ...input },
          { slot: 'y', ...output },
        ]
      : [
          { slot: 'dy', ...output },
          { slot: 'dx', ...input },
        ];
  return { source, result, inner: source.channels / p.groups, outer: result.channels / p.groups };
}

/** Multiply-adds of one product, times two. */
export function conv2dFlops(p: Conv2dProblem): number {
  const [h, w] = conv2dOutputSize(p);
  return (2 * p.batch * h * w * p.outChannels * p.kernelHeight * p.kernelWidth * p.inChannels) / p.groups;
}

/** Short readable form: `8×16×32² →16 3×3 s1 p1`. */
export function showConv2d(p: Conv2dProblem): string {
  const size = p.inHeight === p.inWidth ? `${p.inHeight}²` : `${p.inHeight}×${p.inWidth}`;
  const tail = [
    `s${p.stride.join('×')}`,
    `p${p.padding.join('×')}`,
    p.dilation.some((d) => d > 1) ? `d${p.dilation.join('×')}` : '',
    p.groups > 1 ? `g${p.groups}` : '',
  ];
  return `${p.batch}×${p.inChannels}×${size} →${p.outChannels} ${p.kernelHeight}×${p.kernelWidth} ${tail.filter(Boolean).join(' ')}`;
}

export const weightDtype = (p: Conv2dProblem): 'f32' | 'f16' => p.weightDtype ?? p.dtype;

/** Type of the bias, of a product that adds one. */
export const biasOf = (p: Conv2dProblem, direction: Conv2dDirection): 'f32' | 'f16' | false =>
  direction === 'forward' && p.bias && weightDtype(p);

/** Both types, where they differ, as variants and kernels are named. */
export const showDtypes = (p: Conv2dProblem): string => (weightDtype(p) === p.dtype ? p.dtype : `${p.dtype}-w${weightDtype(p)}`);

/** Name of one product in tuned tables: every field of the problem. */
export const conv2dKey = (p: Conv2dProblem, direction: Conv2dDirection): string =>
  `conv2d ${direction} ${showDtypes(p)}${p.bias && direction === 'forward' ? ' bias' : ''} ${showConv2d(p)}`;

/** Parts a weight gradient's sum over pixels is cut into: enough to fill the machine, bounded in memory. */
export function gradWeightSplits(pixels: number, weights: number, pixelsPerSplit: number): number {
  const memory = Math.max(1, Math.floor((64 * 2 ** 20) / (weights * 4)));
  return Math.max(1, Math.min(64, memory, ceilDiv(pixels, pixelsPerSplit)));
}
