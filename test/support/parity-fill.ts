import { readFileSync } from 'node:fs';

/** Reference values of test/parity, read without any of our packages: kernel tests depend on nothing but the kernel. */
export interface ParityFill {
  readonly seed: number;
  readonly scale?: number;
  readonly shift?: number;
}

export interface ParityInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill?: ParityFill;
  readonly labels?: { readonly seed: number; readonly classes: number };
}

export interface ParityCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly inputs: readonly ParityInput[];
  readonly outputs: readonly string[];
  readonly cotangent?: ParityFill;
  readonly grads?: readonly string[];
}

function hashUniform(index: number, seed: number): number {
  let h = Math.imul(index ^ seed, 0x9e3779b1) >>> 0;
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca77) >>> 0;
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae3d) >>> 0;
  h ^= h >>> 16;
  return (h >>> 8) / 2 ** 24;
}

/** `count` values in row-major order of the logical shape, rounded once to float32 (test/parity/README.md). */
export function parityFill(count: number, { seed, scale = 1, shift = 0 }: ParityFill): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => (hashUniform(i, seed) - 0.5) * 2 * scale + shift);
}

/** A case's input of that name, filled; undefined where it has none, or one that is not filled. */
export function parityInput({ inputs }: ParityCase, name: string): Float32Array<ArrayBuffer> | undefined {
  const input = inputs.find((each) => each.name === name);
  return (
    input?.fill &&
    parityFill(
      input.shape.reduce((product, size) => product * size, 1),
      input.fill,
    )
  );
}

/** Integer labels in [0, classes). */
export const parityLabels = (count: number, { seed, classes }: { seed: number; classes: number }): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: count }, (_, i) => Math.floor(hashUniform(i, seed) * classes));

export interface OpParity {
  readonly cases: readonly ParityCase[];
  /** PyTorch's float64 value, stored as float32: `<case>/<output>` or `<case>/grad/<input>`. */
  expected(key: string): Float32Array;
}

/** The cases of test/parity/ops.json with their values. */
export function loadOpParity(): OpParity {
  const folder = new URL('../parity/', import.meta.url);
  const { cases } = JSON.parse(readFileSync(new URL('ops.json', folder), 'utf8')) as { cases: ParityCase[] };
  // A copy that starts at byte 0 of its own buffer: Node's small reads share one.
  const bytes = new Uint8Array(readFileSync(new URL('ops.safetensors', folder)));
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))) as Record<string, { data_offsets: [number, number] }>;
  return {
    cases,
    expected(key) {
      const entry = header[key];
      if (!entry) throw new Error(`test/parity/ops.safetensors has no ${key}`);
      return new Float32Array(bytes.buffer.slice(start + entry.data_offsets[0], start + entry.data_offsets[1]));
    },
  };
}
