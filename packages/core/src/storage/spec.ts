import { type CopyRegion, type DType, dtypeBytes, type MemoryFormat } from '@initlab/kernels';

/** Shape, element type and memory format: all an op's shape and plan code may look at. */
export interface TensorSpec {
  /** Logical shape, PyTorch's order (NCHW for images). */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: DType;
  /** Order of the bytes. */
  readonly format: MemoryFormat;
}

/** The type in which a kernel of floats takes a tensor: ops refuse whole numbers before. */
export const floatType = (dtype: DType): 'f32' | 'f16' => (dtype === 'f16' ? 'f16' : 'f32');

/** A tensor of this shape in PyTorch's order. */
export const rowMajor = (shape: readonly number[], dtype: DType = 'f32'): TensorSpec => ({ shape, dtype, format: 'rowMajor' });

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

/** Elements between neighbours along each logical dimension, for a dense tensor of this spec. */
export function logicalStrides(spec: Pick<TensorSpec, 'shape' | 'format'>): number[] {
  const strides = rowMajorStrides(physicalShape(spec));
  if (spec.format !== 'channelsLast') return strides;
  const [n, h, w, c] = strides as [number, number, number, number];
  return [n, c, h, w];
}

export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let next = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = next;
    next *= shape[d] as number;
  }
  return strides;
}

/** Order of the logical dimensions in memory: which logical dimension is the k-th slowest. */
export const memoryOrder = (spec: Pick<TensorSpec, 'shape' | 'format'>): number[] =>
  spec.format === 'channelsLast' ? [0, 2, 3, 1] : spec.shape.map((_, d) => d);

/** Elements that are copied into a part of a tensor. */
interface Copied {
  /** Of the part; default: all of the tensor. */
  readonly shape?: readonly number[];
  /** Between neighbours where they are read, by the tensor's dimensions, and before the first. */
  readonly strides: readonly number[];
  readonly offset?: number;
  /** Where the part begins; default: where the tensor does. */
  readonly start?: readonly number[];
}

/** The copy, walked in the order of the tensor's bytes. */
export function copyTo(to: TensorSpec, { shape = to.shape, strides, offset = 0, start = [] }: Copied): CopyRegion {
  const own = logicalStrides(to);
  const order = memoryOrder(to);
  const inOrder = (values: readonly number[]): number[] => order.map((d) => values[d] as number);
  return {
    shape: inOrder(shape),
    dtype: to.dtype,
    source: { strides: inOrder(strides), offset },
    target: { strides: inOrder(own), offset: own.reduce((sum, stride, d) => sum + stride * (start[d] ?? 0), 0) },
  };
}

/**
 * Strides with which `input` is read while walking through `output`'s dimensions in memory order; 0 where it is
 * broadcast. Shapes are broadcast as PyTorch does (trailing dimensions aligned).
 */
export function broadcastStrides(input: TensorSpec, output: Pick<TensorSpec, 'shape' | 'format'>): number[] {
  const own = logicalStrides(input);
  const lead = output.shape.length - input.shape.length;
  return memoryOrder(output).map((d) => (d < lead || input.shape[d - lead] === 1 ? 0 : (own[d - lead] as number)));
}
