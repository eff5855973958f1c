import { checkNumber, checkOptions, type ImageAdjustment } from '@initlab/core/internal';
import type { ImageSize } from './image-dataset.js';

/** `numOps` changes of an image, one after another, each drawn from fourteen (Cubuk et al., arXiv:1909.13719; torchvision's RandAugment on tensors). */
export interface RandAugmentOptions {
  /** N of the paper. Default 2. */
  readonly numOps?: number | undefined;
  /** M of the paper: how strong they are, from 0 to `numMagnitudeBins` − 1. Default 9. */
  readonly magnitude?: number | undefined;
  /** Default 31, as in the paper. */
  readonly numMagnitudeBins?: number | undefined;
}

/** The options with their defaults. Throws where one is out of range. */
export function checkRandAugment(name: string, options: RandAugmentOptions): Required<RandAugmentOptions> & Strength {
  checkOptions(name, options, ['numOps', 'magnitude', 'numMagnitudeBins']);
  const { numOps = 2, magnitude = 9, numMagnitudeBins = 31 } = options;
  checkNumber(name, { numOps }, { from: 1, to: 64, whole: true });
  checkNumber(name, { numMagnitudeBins }, { from: 2, whole: true });
  checkNumber(name, { magnitude }, { from: 0, to: numMagnitudeBins - 1, whole: true });
  return { numOps, magnitude, numMagnitudeBins, share: magnitude / (numMagnitudeBins - 1) };
}

interface Strength {
  /** Of the strongest. */
  readonly share: number;
}

/** Takes (x + ½, y + ½), seen from the middle, to `[a, b, d, e]` times it: the matrix of pixels. */
function aboutMiddle([a, b, d, e]: readonly [number, number, number, number], { height, width }: ImageSize): ImageAdjustment {
  const [x, y] = [0.5 - width / 2, 0.5 - height / 2];
  return { kind: 'affine', matrix: [a, b, a * x + b * y - x, d, e, d * x + e * y - y] };
}

/** Turned by so many degrees against the clock. */
export function rotation(degrees: number, size: ImageSize): ImageAdjustment {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return aboutMiddle([cos, -sin, sin, cos], size);
}
/** Each row comes from `slope` times its distance from the upper edge further right. */
export const shearX = (slope: number): ImageAdjustment => ({ kind: 'affine', matrix: [1, slope, slope / 2, 0, 1, 0] });
export const shearY = (slope: number): ImageAdjustment => ({ kind: 'affine', matrix: [1, 0, 0, slope, 1, slope / 2] });
/** Moved right and down by whole pixels. */
export const translation = (x: number, y: number): ImageAdjustment => ({ kind: 'affine', matrix: [1, 0, -x, 0, 1, -y] });

const halfToEven = (value: number): number => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

type Made = (strength: number, size: ImageSize) => ImageAdjustment;
const factor =
  (kind: 'brightness' | 'contrast' | 'saturation' | 'sharpness'): Made =>
  (m) => ({ kind, factor: 1 + 0.9 * m });
/** The largest move, as a share of the side. */
const farthest = 150 / 331;

/** Torchvision's fourteen, in its order; `signed` ones go either way, as often. `strength` is from −1 to 1. */
const operations: readonly { readonly signed: boolean; readonly make: Made }[] = [
  { signed: false, make: () => ({ kind: 'none' }) },
  { signed: true, make: (m) => shearX(0.3 * m) },
  { signed: true, make: (m) => shearY(0.3 * m) },
  { signed: true, make: (m, { width }) => translation(Math.trunc(farthest * width * m), 0) },
  { signed: true, make: (m, { height }) => translation(0, Math.trunc(farthest * height * m)) },
  { signed: true, make: (m, size) => rotation(30 * m, size) },
  { signed: true, make: factor('brightness') },
  { signed: true, make: factor('saturation') },
  { signed: true, make: factor('contrast') },
  { signed: true, make: factor('sharpness') },
  { signed: false, make: (m) => ({ kind: 'posterize', bits: 8 - halfToEven(4 * m) }) },
  { signed: false, make: (m) => ({ kind: 'solarize', threshold: 255 * (1 - m) }) },
  { signed: false, make: () => ({ kind: 'autocontrast' }) },
  { signed: false, make: () => ({ kind: 'equalize' }) },
];

/** One of the changes, by two numbers drawn from [0, 1). */
export function randomOperation({ share }: Strength, uniform: () => number, size: ImageSize): ImageAdjustment {
  const [which, sign] = [uniform(), uniform()];
  const operation = operations[Math.floor(which * operations.length)];
  return operation ? operation.make(operation.signed && sign < 0.5 ? -share : share, size) : { kind: 'none' };
}
