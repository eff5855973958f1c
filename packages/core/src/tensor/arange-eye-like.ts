import type { DType } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../checks/check-arguments.js';
import { OpError } from '../checks/errors.js';
import { sizeOf } from '../storage/spec.js';
import { checkTensor } from './check-tensor.js';
import { type CreateOptions, createOptions, empty, full, tensor } from './create.js';
import type { Tensor } from './tensor.js';

/** Options of `arange`. */
export interface ArangeOptions extends CreateOptions {
  /** First number, default 0. */
  readonly start?: number;
  /** From one to the next, default 1; may be negative, not 0. */
  readonly step?: number;
}

/** Throws where the device has no room, before the host makes as many numbers: it would be slower to find out, in other words. */
function checkRoom(shape: readonly number[], options: CreateOptions): void {
  if (sizeOf(shape) > 2 ** 24) empty(shape, { device: options.device }).dispose();
}

/**
 * Numbers from `start` up to, and without, `end` (PyTorch's `torch.arange`): `arange(5)`, `arange(1, { start: 0, step: 0.25 })`.
 * i32 where start, end and step are whole numbers, else f32, unless `dtype` says otherwise.
 */
export function arange(end: number, options: ArangeOptions = {}): Tensor {
  checkOptions('arange', options, [...createOptions, 'start', 'step']);
  const { start = 0, step = 1, ...rest } = options;
  checkNumber('arange', { end, start, step });
  const length = Math.ceil((end - start) / step);
  if (step === 0 || length < 0) throw new OpError('arange', `no steps of ${step} lead from ${start} to ${end}`);
  checkRoom([length], rest);
  const dtype: DType = rest.dtype ?? ([start, end, step].every(Number.isInteger) ? 'i32' : 'f32');
  return tensor(
    Float64Array.from({ length }, (_, i) => start + i * step),
    { ...rest, dtype },
  );
}

/** Ones on the diagonal of a matrix of `rows` rows and as many, or `columns`, columns, else zeros (PyTorch's `torch.eye`). */
export function eye(rows: number, options: CreateOptions & { readonly columns?: number } = {}): Tensor {
  checkOptions('eye', options, [...createOptions, 'columns']);
  const { columns = rows, ...rest } = options;
  checkNumber('eye', { rows, columns }, { from: 0, whole: true });
  checkRoom([rows, columns], rest);
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = 1;
  return tensor(values, { ...rest, shape: [rows, columns] });
}

function like(op: string, x: Tensor, { value, options }: { value: number; options: CreateOptions }): Tensor {
  checkTensor(op, x);
  checkOptions(op, options, createOptions);
  return full(x.shape, value, { dtype: x.dtype, device: x.device, format: x.format, ...options });
}

/** Zeros of x's shape, type, device and format (PyTorch's `torch.zeros_like`). */
export const zerosLike = (x: Tensor, options: CreateOptions = {}): Tensor => like('zerosLike', x, { value: 0, options });
/** Ones of x's shape, type, device and format (PyTorch's `torch.ones_like`). */
export const onesLike = (x: Tensor, options: CreateOptions = {}): Tensor => like('onesLike', x, { value: 1, options });
/** `value` in x's shape, type, device and format (PyTorch's `torch.full_like`). */
export const fullLike = (x: Tensor, value: number, options: CreateOptions = {}): Tensor => like('fullLike', x, { value, options });
