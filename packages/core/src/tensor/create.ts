import { type DType, type MemoryFormat, planFill } from '@initlab/kernels';
import { checkDevice, checkDType, checkFormat, checkOptions, checkShape } from '../checks/check-arguments.js';
import { checkValues } from '../checks/check-values.js';
import { OpError, showShape } from '../checks/errors.js';
import { type Device, defaultDevice } from '../gpu/device.js';
import { currentRecorder } from '../record/recorder.js';
import { type Numbers, toBytes } from '../storage/host-data.js';
import { AllOrNothing, scopeTrack } from '../storage/scope.js';
import { sizeOf } from '../storage/spec.js';
import { flattenNested, isNested, type Nested } from './nested.js';
import { Tensor } from './tensor.js';

/** Options of what makes tensors. */
export interface CreateOptions {
  /** Default f32; of `tensor`, i32 or u32 for numbers in an Int32Array or a Uint32Array. */
  readonly dtype?: DType;
  /** Default: the device opened first. */
  readonly device?: Device;
  /** Make it a leaf whose gradient `backward` computes; f32 and f16 only. Default false. */
  readonly requiresGrad?: boolean;
  /** Memory order of a 4-D tensor; ops convert as they need. Default `rowMajor`. */
  readonly format?: MemoryFormat;
}
/** Names of `CreateOptions`. */
export const createOptions = ['dtype', 'device', 'requiresGrad', 'format'] as const;

/**
 * A tensor from numbers in row-major order (PyTorch's `torch.tensor`): one number, nested arrays of equal lengths, or a typed
 * array. `shape` defaults to the nesting, and `dtype` to i32 for an Int32Array, u32 for a Uint32Array and f32 for all else.
 * Inside a function being compiled the numbers are those of the recording, the same at every call; so for all of these.
 */
export function tensor(data: Numbers | Nested, options: CreateOptions & { shape?: readonly number[] } = {}): Tensor {
  checkOptions('tensor', options, [...createOptions, 'shape']);
  const { shape: wanted, ...rest } = options;
  const { shape: found, values } = isNested(data) ? flattenNested(data) : { shape: [lengthOf(data)], values: data };
  const shape = wanted ?? found;
  checkShape('tensor', shape);
  if (sizeOf(shape) !== values.length)
    throw new OpError('tensor', `got ${values.length} numbers for shape ${showShape(shape)} (${sizeOf(shape)})`);
  const { dtype = typeOf(data) } = rest;
  checkDType('tensor', dtype);
  checkValues('tensor', values, dtype);
  using whole = new AllOrNothing();
  const made = make('tensor', shape, { ...rest, dtype });
  if (made.size > 0 && made.storage.region) made.device.writeRegion(made.storage.region, toBytes(values, made.spec));
  currentRecorder()?.constant(made, undefined);
  return whole.done(made);
}

const typeOf = (data: unknown): DType => (data instanceof Int32Array ? 'i32' : data instanceof Uint32Array ? 'u32' : 'f32');

function lengthOf(data: Numbers): number {
  const numbers = typeof data === 'object' && data !== null && typeof data.length === 'number';
  if (!numbers || data instanceof BigInt64Array || data instanceof BigUint64Array)
    throw new OpError(
      'tensor',
      `takes a number, nested arrays of numbers or a typed array of them, got ${Object.prototype.toString.call(data)}`,
    );
  return data.length;
}

/** A tensor with undefined content (PyTorch's `torch.empty`). */
export function empty(shape: readonly number[], options: CreateOptions = {}): Tensor {
  checkOptions('empty', options, createOptions);
  const made = make('empty', shape, options);
  currentRecorder()?.constant(made, 0);
  return made;
}

function make(op: string, shape: readonly number[], options: CreateOptions): Tensor {
  checkShape(op, shape);
  const { dtype = 'f32', device = defaultDevice() } = options;
  checkDType(op, dtype);
  if (options.format !== undefined) checkFormat(op, options.format);
  const format = shape.length === 4 ? (options.format ?? 'rowMajor') : 'rowMajor';
  checkDevice(op, device);
  device.checkUsable(op);
  using whole = new AllOrNothing();
  const made = scopeTrack(Tensor.allocate(device, { shape: [...shape], dtype, format }, 'tensor'));
  if (options.requiresGrad) made.requiresGrad_();
  return whole.done(made);
}

/** A tensor with every element `value` (PyTorch's `torch.full`), f32 unless `dtype` says otherwise. */
export const full = (shape: readonly number[], value: number, options: CreateOptions = {}): Tensor =>
  filled({ op: 'full', value }, shape, options);
/** A tensor of zeros (PyTorch's `torch.zeros`), f32 unless `dtype` says otherwise: `zeros([2, 3])`. */
export const zeros = (shape: readonly number[], options: CreateOptions = {}): Tensor => filled({ op: 'zeros', value: 0 }, shape, options);
/** A tensor of ones (PyTorch's `torch.ones`), f32 unless `dtype` says otherwise: `ones([2, 3])`. */
export const ones = (shape: readonly number[], options: CreateOptions = {}): Tensor => filled({ op: 'ones', value: 1 }, shape, options);

/** Filled on the device: what is refused there costs the host nothing. */
function filled({ op, value }: { op: string; value: number }, shape: readonly number[], options: CreateOptions): Tensor {
  checkShape(op, shape);
  checkOptions(op, options, createOptions);
  if (typeof value !== 'number') throw new OpError(op, `takes a number to fill with, got ${typeof value}`);
  using whole = new AllOrNothing();
  const made = make(op, shape, options);
  checkValues(op, [value], made.dtype);
  const { device, spec, storage } = made;
  const { region } = storage;
  if (!region || made.size === 0) return whole.done(made);
  // The element twice: a word of f16, too.
  const [word = 0] = new Uint32Array(toBytes([value, value], { ...spec, shape: [2], format: 'rowMajor' }).buffer);
  currentRecorder()?.constant(made, word);
  const most = Math.floor(device.target.maxStorageBinding / 256) * 256;
  for (let done = 0; done < region.size; done += most) {
    const size = Math.min(most, region.size - done);
    const part = { buffer: region.buffer, offset: region.offset + done, size };
    device.commands.run(planFill({ count: size / 4, value: word, dtype: 'u32' }, device.target), new Map([['y', part]]), op);
  }
  return whole.done(made);
}
