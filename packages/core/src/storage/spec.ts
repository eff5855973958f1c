import { type DType, dtypeBytes, type MemoryFormat } from '@initlab/kernels';

/** Shape, element type and memory format: all an op's shape and plan code may look at. */
export interface TensorSpec {
  /** Logical shape, PyTorch's order (NCHW for images). */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: DType;
  /** Order of the bytes. */
  readonly format: MemoryFormat;
}

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Has a tensor of this shape no elements? Sizes of zero are legal, as in PyTorch. */
export const isEmpty = ({ shape }: Pick<TensorSpec, 'shape'>): boolean => shape.includes(0);

/** Bytes of a tensor, rounded up to 16 so that kernels may load whole vectors. */
export const bytesOf = (spec: TensorSpec): number => Math.max(16, Math.ceil((sizeOf(spec.shape) * dtypeBytes[spec.dtype]) / 16) * 16);

/** Dimensions in the order their bytes lie: NHWC for channels-last, the logical shape otherwise. */
export function physicalShape(spec: Pick<TensorSpec, 'shape' | 'format'>): number[] {
  if (spec.format !== 'channelsLast') return [...spec.shape];
  const [n, c, h, w] = spec.shape as [number, number, number, number];
  return [n, h, w, c];
}

/** True when both formats put the bytes of this shape in the same order (one channel, or one pixel). */
export function formatsCoincide(shape: readonly number[]): boolean {
  if (shape.length !== 4) return true;
  const [, c, h, w] = shape as [number, number, number, number];
  return c === 1 || h * w === 1;
}

/** Are both shapes equal, size by size? */
export const sameShape = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((v, i) => v === b[i]);

export const sameSpec = (a: TensorSpec, b: TensorSpec): boolean =>
  sameShape(a.shape, b.shape) && a.dtype === b.dtype && a.format === b.format;

/** Shape of two broadcast operands, PyTorch's rule; `undefined` when they do not fit. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out[i] = x === 1 ? y : x;
  }
  return out;
}
