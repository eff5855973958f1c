import { OpError } from '@initlab/core';
import { elementCount, maxHeaderBytes, metadataKey } from './header.js';
import { halfPair, quote, showSizes } from './safetensors-error.js';

/** A tensor to save: f32 or i64 (as PyTorch's counters), row-major. */
export interface SavedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/**
 * The bytes of a safetensors file with these tensors, named in the order given (PyTorch: `safetensors.torch.save`). As in
 * files that PyTorch's library writes, the widest type's data lies first, so that all is aligned. Throws OpError for what
 * no reader of the format would take or keep: data that does not fill its shape or is of another type, the name
 * `__metadata__`, metadata that is no text, text with half a surrogate pair.
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, SavedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (!(tensors instanceof Map)) fail(`takes a Map of tensors by name, got ${describe(tensors)}`);
  // The header is put together as text: in an object, __proto__ would be no key, and keys like 10 would change places.
  const members = metadataMembers(metadata);
  const spans = layOut([...tensors].map(([name, tensor]) => [name, tensor, dtypeOf(name, tensor)] as const));
  for (const { name, dtype, shape, begin, end } of spans)
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  const header = new TextEncoder().encode(`{${members.join(',')}}`);
  // Data starts at a multiple of 8; the format pads the header with spaces.
  const length = Math.ceil(header.length / 8) * 8;
  if (length > maxHeaderBytes) fail(`names and metadata take ${length} bytes, the format allows ${maxHeaderBytes}`);
  const dataStart = 8 + length;
  const file = new Uint8Array(dataStart + spans.reduce((sum, { data }) => sum + data.byteLength, 0));
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, dataStart);
  for (const { data, begin } of spans) file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataStart + begin);
  return file;
}

interface Span extends SavedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly begin: number;
  readonly end: number;
}

/** Spans in the order given: those of eight-byte types come first in the data. */
function layOut(tensors: readonly (readonly [string, SavedTensor, 'F32' | 'I64'])[]): Span[] {
  const at = { I64: 0, F32: tensors.reduce((sum, [, { data }, dtype]) => sum + (dtype === 'I64' ? data.byteLength : 0), 0) };
  return tensors.map(([name, { shape, data }, dtype]) => {
    const begin = at[dtype];
    at[dtype] += data.byteLength;
    return { name, dtype, shape: [...shape], data, begin, end: at[dtype] };
  });
}

function dtypeOf(name: string, tensor: SavedTensor): 'F32' | 'I64' {
  checkText(name, 'the name of a tensor');
  if (name === metadataKey) fail(`${metadataKey} is the header's own key; give the tensor another name`);
  const { shape, data } = (tensor ?? {}) as Partial<SavedTensor>;
  const dtype = data instanceof Float32Array ? 'F32' : data instanceof BigInt64Array ? 'I64' : undefined;
  if (!dtype || !data)
    return fail(`${quote(name)} has ${describe(data)} for data; takes Float32Array (f32), or BigInt64Array (i64): Float32Array.from(…)`);
  if (!Array.isArray(shape) || !Array.from(shape).every((size) => Number.isSafeInteger(size) && size >= 0))
    return fail(`${quote(name)} has the shape ${Array.isArray(shape) ? showSizes(shape) : describe(shape)}; takes whole numbers from 0`);
  if (elementCount(shape) !== data.length) fail(`${quote(name)} has ${data.length} numbers for the shape ${showSizes(shape)}`);
  return dtype;
}

function metadataMembers(metadata: Readonly<Record<string, string>>): string[] {
  const prototype: unknown = metadata && typeof metadata === 'object' ? Object.getPrototypeOf(metadata) : undefined;
  // A Map has no entries of an object: it would be lost in silence.
  if (prototype === undefined || (prototype !== null && Object.getPrototypeOf(prototype) !== null))
    fail(`takes metadata as an object of strings, got ${describe(metadata)}`);
  const members = Object.entries(metadata).map(([key, value]) => {
    checkText(key, 'a key of metadata');
    checkText(value, `metadata ${quote(key)}`);
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return members.length > 0 ? [`"${metadataKey}":{${members.join(',')}}`] : [];
}

/** UTF-8 has no half of a surrogate pair; JSON would write it as an escape, which the format's reader refuses. */
function checkText(text: unknown, what: string): void {
  if (typeof text !== 'string') fail(`${what} is ${describe(text)}; the format has text only: String(…), or JSON.stringify(…)`);
  else if (halfPair.test(text)) fail(`${what} has half a surrogate pair: ${quote(text)}`);
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return `${typeof value} ${quote(String(value))}`;
  return Array.isArray(value) ? 'a plain array' : (value.constructor?.name ?? 'an object');
}

const fail = (message: string): never => {
  throw new OpError('serializeSafetensors', message);
};
