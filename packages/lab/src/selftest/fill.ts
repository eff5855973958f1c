/** How a reference case makes a tensor: see test/parity/README.md. */
export interface Fill {
  readonly seed: number;
  readonly scale: number;
  readonly shift: number;
}

/** `u(i)` of the parity files: a 32-bit hash of index and seed, 24 bits of it in [0, 1). */
function hashUniform(index: number, seed: number): number {
  let h = Math.imul(index ^ seed, 0x9e3779b1) >>> 0;
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca77) >>> 0;
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae3d) >>> 0;
  h ^= h >>> 16;
  return (h >>> 8) / 2 ** 24;
}

/** `count` numbers in row-major order of the logical shape, rounded once to float32. */
export function fill(count: number, { seed, scale, shift }: Fill): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = (hashUniform(i, seed) - 0.5) * (2 * scale) + shift;
  return out;
}

/** Integer labels in [0, classes). */
export function fillLabels(count: number, seed: number, classes: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => Math.floor(hashUniform(i, seed) * classes));
}

/** Seed of a model's parameter: CRC-32 of its name, mixed with the file's base seed. */
export function nameSeed(name: string, baseSeed: number): number {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(name)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ((crc ^ 0xffffffff ^ baseSeed) & 0x7fffffff) >>> 0;
}
