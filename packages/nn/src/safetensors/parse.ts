import { fromHalf } from '@initlab/core';
import { parseHeader } from './header.js';

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

/**
 * Parse a whole file (PyTorch: `safetensors.torch.load`). The header is held against the published format and every length
 * against the bytes that are there, before anything is allocated; what does not agree is a SafetensorsError.
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { entries, metadata, dataStart } = parseHeader(bytes);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { dtype, shape, begin, end }] of entries)
    tensors.set(name, { dtype, shape, data: decode(dtype, copyOf(bytes, dataStart + begin, dataStart + end)) });
  return { tensors, metadata };
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
