import { JsonReader } from './json-reader.js';
import { quote, SafetensorsError, showSizes } from './safetensors-error.js';

/** Bytes of an element, by the format's name of its type. */
const elementBytes: ReadonlyMap<string, number> = new Map([
  ...(['F64', 'I64', 'U64'] as const).map((name) => [name, 8] as const),
  ...(['F32', 'I32', 'U32'] as const).map((name) => [name, 4] as const),
  ...(['F16', 'BF16', 'I16', 'U16'] as const).map((name) => [name, 2] as const),
  ...(['I8', 'U8', 'BOOL'] as const).map((name) => [name, 1] as const),
]);
/** The format's own limit, in bytes. */
export const maxHeaderBytes = 100_000_000;
/** Key of the header's text-to-text map; no tensor can have it for a name. */
export const metadataKey = '__metadata__';

/** Where a tensor lies: bytes `begin` … `end` of the data. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What stands before a file's data. */
export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data begins in the file, in bytes. */
  readonly dataStart: number;
}

/**
 * The header of a whole file, checked against the format and the bytes that are there; no tensor is read. Throws
 * SafetensorsError for a name or a key given twice, sizes and spans that do not agree, overlaps, holes, bytes left over.
 */
export function parseHeader(bytes: Uint8Array): SafetensorsHeader {
  if (!(bytes instanceof Uint8Array))
    throw new SafetensorsError(`takes a file's bytes as a Uint8Array, got ${typeof bytes}; in Node: await readFile(path)`);
  if (bytes.length < 8) throw new SafetensorsError(`${bytes.length} bytes are no file: the header's length alone takes 8`);
  const claimed = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (claimed > BigInt(bytes.length - 8))
    throw new SafetensorsError(`the header claims ${claimed} bytes, the file has ${bytes.length - 8}`);
  if (claimed > BigInt(maxHeaderBytes))
    throw new SafetensorsError(`the header claims ${claimed} bytes, more than the ${maxHeaderBytes} that the format allows`);
  const dataStart = 8 + Number(claimed);
  const { entries, metadata } = parseJson(decodeText(bytes.subarray(8, dataStart)), bytes.length - dataStart);
  checkSpans(entries, bytes.length - dataStart);
  return { entries, metadata, dataStart };
}

/** The `__metadata__` of a whole file, whose header is checked as `parseSafetensors` does; no tensor is copied. */
export const readSafetensorsMetadata = (bytes: Uint8Array): Readonly<Record<string, string>> => parseHeader(bytes).metadata;

function decodeText(bytes: Uint8Array): string {
  if (bytes[0] !== 0x7b) throw new SafetensorsError('the header is not an object: it does not begin with {');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SafetensorsError('the header is not JSON: it is not UTF-8');
  }
}

function parseJson(text: string, available: number): Pick<SafetensorsHeader, 'entries' | 'metadata'> {
  const json = new JsonReader(text);
  const entries = new Map<string, TensorEntry>();
  let metadata = readMetadata(new JsonReader('{}'));
  json.object((name) => {
    if (name === metadataKey) metadata = readMetadata(json);
    else entries.set(name, readEntry(json, { name: quote(name), available }));
  });
  json.end();
  return { entries, metadata };
}

function readMetadata(json: JsonReader): Record<string, string> {
  // Without a prototype, so that a key called __proto__ is a key.
  const metadata: Record<string, string> = Object.create(null);
  const isObject = json.object((key) => {
    const value = json.string();
    if (value === undefined) throw new SafetensorsError(`${metadataKey} ${quote(key)} is not a string`);
    metadata[key] = value;
  });
  if (!isObject) throw new SafetensorsError(`${metadataKey} is not an object`);
  return metadata;
}

/** Other members than the three are passed over, as the format's own reader does. */
function readEntry(json: JsonReader, { name, available }: { name: string; available: number }): TensorEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  const numbers = (what: string): number[] => {
    const read = json.wholeNumbers();
    if (!read) throw new SafetensorsError(`${name} has no valid ${what}: an array of whole numbers in digits alone, each below 2⁵³`);
    return read;
  };
  const isObject = json.object((key) => {
    if (key === 'shape') shape = numbers('shape');
    else if (key === 'data_offsets') offsets = numbers('data_offsets');
    else if (key !== 'dtype') json.skip();
    else {
      dtype = json.string();
      if (dtype === undefined) throw new SafetensorsError(`${name} has a dtype that is no string`);
    }
  });
  // What is no JSON is told as such.
  if (!isObject) json.skip();
  if (dtype === undefined || !shape || !offsets)
    throw new SafetensorsError(`${name} is not described by an object with dtype, shape and data_offsets`);
  const size = elementBytes.get(dtype);
  if (size === undefined)
    throw new SafetensorsError(`${name} has the type ${quote(dtype)}; known are ${[...elementBytes.keys()].join(', ')}`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2)
    throw new SafetensorsError(`${name} has no valid data_offsets: two numbers, begin and end`);
  if (end < begin || end > available)
    throw new SafetensorsError(`${name} lies at ${begin} … ${end}, the file holds ${available} bytes of data`);
  const needed = elementCount(shape) * size;
  if (needed !== end - begin)
    throw new SafetensorsError(
      `${name} of shape ${showSizes(shape)} needs ${needed > available ? `more than ${available}` : needed} bytes, its span has ${end - begin}`,
    );
  return { dtype, shape, begin, end };
}

/**
 * Product of the sizes from the first on; infinite once it no longer fits in 64 bits, as the format's own reader has it,
 * though a zero may follow. Sizes may be made to overflow, or be millions of twos.
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (count >= 2 ** 64) return Number.POSITIVE_INFINITY;
  }
  return count;
}

/** Tensors lie one after the other without gaps, as the format demands. */
function checkSpans(entries: ReadonlyMap<string, TensorEntry>, available: number): void {
  const spans = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const [name, { begin, end }] of spans) {
    if (begin < at) throw new SafetensorsError(`${quote(name)} overlaps the tensor before it`);
    if (begin > at) throw new SafetensorsError(`${begin - at} bytes before ${quote(name)} belong to no tensor`);
    at = end;
  }
  if (at !== available) throw new SafetensorsError(`${available - at} bytes at the end belong to no tensor`);
}
