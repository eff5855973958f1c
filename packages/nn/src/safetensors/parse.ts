import { fromHalf } from '@initlab/core';

/** A tensor in a safetensors file; f16 values are widened to f32, integers up to 2⁵³ kept. */
export interface SafeTensor {
  /** The file's type: `F32`, `F16`, `I64`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major elements. */
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** A parsed safetensors file: what `parseSafetensors` gives. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The file is not what it says: truncated, overlapping, or made to harm. Nothing was allocated on its word. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

const elementBytes: Readonly<Record<string, number>> = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
};
/** As the format's own limit. */
const maxHeader = 100_000_000;

/** Parse a whole file. Every length is checked against the bytes that are there before anything is allocated. */
export function parseSafetensors(bytes: Uint8Array): SafetensorsFile {
  const fail = (message: string): never => {
    throw new SafetensorsError(`safetensors: ${message}`);
  };
  if (bytes.length < 8) fail(`${bytes.length} bytes are no file: the header's length alone takes 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(maxHeader) || Number(length) > bytes.length - 8)
    fail(`the header claims ${length} bytes, the file has ${bytes.length - 8}`);
  const headerEnd = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, headerEnd)));
  } catch {
    fail('the header is not JSON');
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header)) fail('the header is not an object');
  const entries = new Map<string, Entry>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === '__metadata__') metadata = checkMetadata(entry, fail);
    else entries.set(name, checkEntry(name, { entry, available: bytes.length - headerEnd }, fail));
  }
  checkSpans(entries, bytes.length - headerEnd, fail);
  // Only now is anything allocated: no more than the file holds.
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { dtype, shape, begin, end }] of entries)
    tensors.set(name, { dtype, shape, data: decode(dtype, copyOf(bytes, headerEnd + begin, headerEnd + end)) });
  return { tensors, metadata };
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}
type Fail = (message: string) => never;

function checkMetadata(entry: unknown, fail: Fail): Record<string, string> {
  if (entry === null || typeof entry !== 'object' || Array.isArray(entry)) return fail('__metadata__ is not an object');
  for (const [key, value] of Object.entries(entry)) if (typeof value !== 'string') fail(`__metadata__ ${key} is not a string`);
  // Without a prototype, so that a key called __proto__ is a key.
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(entry)));
}

function checkEntry(name: string, { entry, available }: { entry: unknown; available: number }, fail: Fail): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const size = typeof dtype === 'string' && Object.hasOwn(elementBytes, dtype) ? (elementBytes[dtype] as number) : undefined;
  if (size === undefined) return fail(`${name} has the type ${String(dtype)}; known are ${Object.keys(elementBytes).join(', ')}`);
  const isSizes = (v: unknown): v is number[] => Array.isArray(v) && v.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) return fail(`${name} has no valid shape and offsets`);
  const [begin, end] = offsets as [number, number];
  if (end < begin || end > available) fail(`${name} lies at ${begin} … ${end}, the file holds ${available} bytes of data`);
  const count = elementCount(shape, available);
  if (count * size !== end - begin)
    fail(
      `${name} of shape ${showSizes(shape)} needs ${count > available ? `more than ${available}` : count * size} bytes, its span has ${end - begin}`,
    );
  return { dtype: dtype as string, shape, begin, end };
}

/** Product of the sizes, or something above `limit` as soon as it is: sizes may be made to overflow, or be millions of twos. */
function elementCount(shape: readonly number[], limit: number): number {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (count > limit) break;
  }
  return count;
}

/** A shape in a message, which stays short whatever the file says. */
const showSizes = (shape: readonly number[]): string =>
  shape.length > 8 ? `[${shape.slice(0, 8).join(', ')}, … ${shape.length} sizes]` : `[${shape.join(', ')}]`;

/** Tensors lie one after the other without gaps, as the format demands. */
function checkSpans(entries: ReadonlyMap<string, Entry>, available: number, fail: Fail): void {
  const spans = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const [name, { begin, end }] of spans) {
    if (begin < at) fail(`${name} overlaps the tensor before it`);
    if (begin > at) fail(`${begin - at} bytes before ${name} belong to no tensor`);
    at = end;
  }
  if (at !== available) fail(`${available - at} bytes at the end belong to no tensor`);
}

/** A copy with a buffer of its own: `slice` of a Node Buffer would share the file's. */
function copyOf(bytes: Uint8Array, begin: number, end: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - begin);
  copy.set(bytes.subarray(begin, end));
  return copy;
}

function decode(dtype: string, bytes: Uint8Array<ArrayBuffer>): SafeTensor['data'] {
  const { buffer } = bytes;
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer);
    case 'F32':
      return new Float32Array(buffer);
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer), fromHalf);
    case 'BF16': {
      const words = Uint32Array.from(new Uint16Array(buffer), (h) => h << 16);
      return new Float32Array(words.buffer);
    }
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case 'U64':
      return Float64Array.from(new BigUint64Array(buffer), Number);
    case 'U32':
      // Half of them are larger than an Int32Array holds.
      return Float64Array.from(new Uint32Array(buffer));
    case 'I32':
      return new Int32Array(buffer);
    case 'I16':
      return Int32Array.from(new Int16Array(buffer));
    case 'U16':
      return Int32Array.from(new Uint16Array(buffer));
    case 'I8':
      return Int32Array.from(new Int8Array(buffer));
    default:
      return bytes;
  }
}
