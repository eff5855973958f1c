import type { DType, MemoryFormat } from '@initlab/kernels';
import { type Device, defaultDevice } from './gpu/device.js';
import { type Numbers, toBytes } from './host-data.js';
import { scopeTrack } from './scope.js';
import { sizeOf } from './spec.js';
import { Tensor } from './tensor.js';

export interface CreateOptions {
  readonly dtype?: DType;
  /** Default: the device opened first. */
  readonly device?: Device;
  readonly requiresGrad?: boolean;
  /** Memory order of a 4-D tensor; ops convert as they need. Default `rowMajor`. */
  readonly format?: MemoryFormat;
}
type Nested = number | readonly Nested[];

/**
 * A tensor from numbers in row-major order (PyTorch's `torch.tensor`). `shape` defaults to the nesting of the arrays.
 * Inside a function being compiled the result is a constant of the graph.
 */
export function tensor(data: Numbers | Nested, options: CreateOptions & { shape?: readonly number[] } = {}): Tensor {
  const nested = typeof data === 'number' || Array.isArray(data);
  const flat = nested ? flatten(data as Nested) : (data as Numbers);
  const shape = options.shape ?? (nested ? nestedShape(data as Nested) : [flat.length]);
  if (shape.some((d) => !Number.isInteger(d) || d < 0))
    throw new Error(`tensor: shape [${shape.join(', ')}] is not made of whole numbers ≥ 0`);
  if (sizeOf(shape) !== flat.length)
    throw new Error(`tensor: got ${flat.length} numbers for shape [${shape.join(', ')}] (${sizeOf(shape)})`);
  const made = empty(shape, options);
  if (made.size > 0 && made.storage.region) made.device.writeRegion(made.storage.region, toBytes(flat, made.spec));
  return made;
}

/** A tensor with undefined content. */
export function empty(shape: readonly number[], options: CreateOptions = {}): Tensor {
  const format = shape.length === 4 ? (options.format ?? 'rowMajor') : 'rowMajor';
  const device = options.device ?? defaultDevice();
  device.checkUsable('empty');
  const made = Tensor.allocate(device, { shape: [...shape], dtype: options.dtype ?? 'f32', format }, 'tensor');
  if (options.requiresGrad) made.requiresGrad_();
  scopeTrack(made);
  return made;
}

/** A tensor with every element `value`. */
export function full(shape: readonly number[], value: number, options: CreateOptions = {}): Tensor {
  const count = sizeOf(shape);
  const data = options.dtype === 'i32' ? new Int32Array(count) : options.dtype === 'u32' ? new Uint32Array(count) : new Float32Array(count);
  return tensor(data.fill(value), { ...options, shape });
}
export const zeros = (shape: readonly number[], options?: CreateOptions): Tensor => full(shape, 0, options);
export const ones = (shape: readonly number[], options?: CreateOptions): Tensor => full(shape, 1, options);

function flatten(data: Nested): number[] {
  return typeof data === 'number' ? [data] : (data as readonly Nested[]).flatMap(flatten);
}

function nestedShape(data: Nested): number[] {
  if (typeof data === 'number') return [];
  const first = data[0];
  return [data.length, ...(first === undefined ? [] : nestedShape(first))];
}
