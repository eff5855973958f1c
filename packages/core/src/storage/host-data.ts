import { dtypeBytes, toHalf } from '@initlab/kernels';
import { sizeOf, type TensorSpec } from './spec.js';

export { toHalf };

export type Numbers = ArrayLike<number>;

/** Row-major numbers to the bytes of a tensor with this spec, padded to a multiple of 4. */
export function toBytes(data: Numbers, spec: TensorSpec): Uint8Array<ArrayBuffer> {
  const count = sizeOf(spec.shape);
  const bytes = new Uint8Array(Math.ceil((count * dtypeBytes[spec.dtype]) / 4) * 4);
  const view = typedView(bytes.buffer, spec);
  const f16 = spec.dtype === 'f16';
  if (spec.format === 'rowMajor') {
    if (f16) for (let i = 0; i < count; i++) view[i] = toHalf(data[i] as number);
    else view.set(data);
    return bytes;
  }
  forEachChannelsLast(spec.shape, (logical, physical) => {
    view[physical] = f16 ? toHalf(data[logical] as number) : (data[logical] as number);
  });
  return bytes;
}

/** The inverse of `toBytes`: row-major elements, f16 widened to f32. */
export function fromBytes(bytes: ArrayBuffer, spec: TensorSpec): Float32Array | Int32Array | Uint32Array {
  const count = sizeOf(spec.shape);
  const view = typedView(bytes, spec);
  if (spec.format === 'rowMajor' && spec.dtype !== 'f16') return view.slice(0, count) as Float32Array | Int32Array | Uint32Array;
  const out = spec.dtype === 'i32' ? new Int32Array(count) : spec.dtype === 'u32' ? new Uint32Array(count) : new Float32Array(count);
  const at = spec.dtype === 'f16' ? (i: number) => fromHalf(view[i] as number) : (i: number) => view[i] as number;
  if (spec.format === 'rowMajor') for (let i = 0; i < count; i++) out[i] = at(i);
  else
    forEachChannelsLast(spec.shape, (logical, physical) => {
      out[logical] = at(physical);
    });
  return out;
}

function typedView(buffer: ArrayBuffer, spec: TensorSpec): Float32Array | Int32Array | Uint32Array | Uint16Array {
  if (spec.dtype === 'f32') return new Float32Array(buffer);
  if (spec.dtype === 'i32') return new Int32Array(buffer);
  if (spec.dtype === 'u32') return new Uint32Array(buffer);
  return new Uint16Array(buffer);
}

function forEachChannelsLast(shape: readonly number[], visit: (logical: number, physical: number) => void): void {
  const [n, c, h, w] = shape as [number, number, number, number];
  const plane = h * w;
  for (let i = 0; i < n; i++)
    for (let k = 0; k < c; k++) for (let p = 0; p < plane; p++) visit((i * c + k) * plane + p, (i * plane + p) * c + k);
}

/** Number of IEEE half bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
