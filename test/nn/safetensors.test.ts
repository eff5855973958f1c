import { parseSafetensors, SafetensorsError, serializeSafetensors } from '@initlab/nn';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const file = (header: string | object, data: number): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
};
const entry = (shape: readonly unknown[], offsets: readonly unknown[], dtype = 'F32'): object => ({ dtype, shape, data_offsets: offsets });
const good = (): Uint8Array =>
  serializeSafetensors(
    new Map([
      ['a', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ['n', { shape: [], data: BigInt64Array.of(7n) }],
    ]),
    { made: 'here' },
  );

describe('safetensors', () => {
  it('reads what it writes, at any place in a larger buffer', () => {
    const bytes = good();
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    for (const given of [bytes, shifted.subarray(3)]) {
      const { tensors, metadata } = parseSafetensors(given);
      expect([...(tensors.get('a')?.data ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
      expect([...(tensors.get('n')?.data ?? [])]).toEqual([7]);
      expect(metadata.made).toBe('here');
    }
  });

  it('a file cut off anywhere is refused', () => {
    const bytes = good();
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseSafetensors(bytes.subarray(0, length)), `${length} bytes`).toThrow(SafetensorsError);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a header longer than the file', new Uint8Array([255, 255, 255, 255, 255, 255, 255, 127, 0]), /header claims/],
    ['no JSON', file('{"a":', 0), /not JSON/],
    ['nesting without end', file('['.repeat(200_000), 0), /not JSON/],
    ['an array', file('[]', 0), /not an object/],
    ['an unknown type', file({ a: entry([1], [0, 4], 'toString') }, 4), /type toString; known are/],
    ['no type', file({ a: null }, 4), /type undefined/],
    [
      'sizes that overflow',
      file({ a: entry([2 ** 32, 2 ** 32], [0, 4]) }, 4),
      /of shape \[4294967296, 4294967296\] needs more than 4 bytes/,
    ],
    ['a size that is no number', file({ a: entry(['4'], [0, 4]) }, 4), /no valid shape/],
    ['a negative size', file({ a: entry([-1], [0, 4]) }, 4), /no valid shape/],
    ['offsets beyond the end', file({ a: entry([2 ** 40], [0, 2 ** 42]) }, 4), /the file holds 4 bytes/],
    ['offsets the wrong way round', file({ a: entry([1], [4, 0]) }, 8), /lies at 4 … 0/],
    ['overlapping tensors', file({ a: entry([2], [0, 8]), b: entry([2], [4, 12]) }, 12), /b overlaps/],
    ['a hole', file({ a: entry([1], [0, 4]), b: entry([1], [8, 12]) }, 12), /4 bytes before b belong to no tensor/],
    ['bytes left over', file({ a: entry([1], [0, 4]) }, 9), /5 bytes at the end/],
    [
      'a name given twice',
      file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8),
      /before a/,
    ],
    ['metadata that is no object', file({ __metadata__: 'x' }, 0), /__metadata__ is not an object/],
    ['metadata that is no string', file({ __metadata__: { x: { y: 1 } } }, 0), /__metadata__ x is not a string/],
  ])('%s is refused, and the message says why', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  it('millions of sizes are refused at once, in a short message', () => {
    const bytes = file(`{"a":{"dtype":"U8","shape":[${'2,'.repeat(2_000_000)}2],"data_offsets":[0,4]}}`, 4);
    const started = performance.now();
    expect(() => parseSafetensors(bytes)).toThrow(/of shape \[2, 2, 2, 2, 2, 2, 2, 2, … 2000001 sizes\] needs more than 4 bytes/);
    // Multiplying them out in whole numbers of any size takes minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.each<[string, ArrayBufferView, number[]]>([
    ['F64', Float64Array.of(0.1, -2), [0.1, -2]],
    ['F16', Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ['BF16', Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ['I64', BigInt64Array.of(-1n, 2n ** 40n), [-1, 2 ** 40]],
    ['U64', BigUint64Array.of(1n, 2n ** 50n), [1, 2 ** 50]],
    ['I32', Int32Array.of(-1, 2 ** 30), [-1, 2 ** 30]],
    ['U32', Uint32Array.of(1, 4_000_000_000), [1, 4_000_000_000]],
    ['I16', Int16Array.of(-1, 30000), [-1, 30000]],
    ['U16', Uint16Array.of(1, 60000), [1, 60000]],
    ['I8', Int8Array.of(-1, 100), [-1, 100]],
    ['U8', Uint8Array.of(1, 200), [1, 200]],
    ['BOOL', Uint8Array.of(0, 1), [0, 1]],
  ])('%s is read', (dtype, values, expected) => {
    const bytes = file({ a: entry([2], [0, values.byteLength], dtype) }, values.byteLength);
    bytes.set(new Uint8Array(values.buffer), bytes.length - values.byteLength);
    expect([...(parseSafetensors(bytes).tensors.get('a')?.data ?? [])]).toEqual(expected);
  });

  it('names and metadata like __proto__ are only names', () => {
    const bytes = file('{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1);
    const { tensors, metadata } = parseSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(Object.keys(metadata)).toEqual(['__proto__']);
    expect(({} as { x?: string }).x).toBeUndefined();
  });

  it('whatever bytes it gets, it answers or refuses, and quickly', () => {
    const whole = good();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          parseSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 2000, seed: 3 },
    );
  });
});
