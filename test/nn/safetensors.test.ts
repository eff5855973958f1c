import { InitlabError } from '@initlab/core';
import { parseSafetensors, readSafetensorsMetadata, SafetensorsError, serializeSafetensors } from '@initlab/nn';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

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
    ['nesting without end', file(`{"a":${'['.repeat(200_000)}`, 0), /nested more than 128 deep/],
    ['nesting without end in an entry', file(`{"a":{"more":${'{"a":'.repeat(200_000)}`, 0), /nested more than 128 deep/],
    ['an array', file('[]', 0), /not an object/],
    ['an unknown type', file({ a: entry([1], [0, 4], 'toString') }, 4), /type toString; known are/],
    ['no entry', file({ a: null }, 4), /a is not described by an object with dtype, shape and data_offsets/],
    ['no type', file({ a: { shape: [1], data_offsets: [0, 4] } }, 4), /a is not described/],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /a is not described/],
    ['no offsets', file({ a: { dtype: 'F32', shape: [1] } }, 4), /a is not described/],
    ['a type that is no text', file({ a: { ...entry([1], [0, 4]), dtype: 4 } }, 4), /a has a dtype that is no string/],
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
    ['sizes that overflow before a zero', file({ a: entry([2 ** 52, 2 ** 52, 0], [0, 0]) }, 0), /needs more than 0 bytes/],
    ['one offset', file({ a: entry([1], [0]) }, 4), /no valid data_offsets: two numbers/],
    ['three offsets', file({ a: entry([1], [0, 4, 4]) }, 4), /no valid data_offsets: two numbers/],
    ['an empty tensor inside another', file({ a: entry([2], [0, 8]), b: entry([0], [4, 4]) }, 8), /b overlaps/],
    ['a longer text after the header', file('{} {}', 0), /expected its end at character 3/],
    ['a header that ends in zeros', file('{}\0\0', 0), /expected its end/],
    ['a byte order mark', file('\uFEFF{}', 0), /does not begin with \{/],
    ['white space before the header', file(' {}', 0), /does not begin with \{/],
    ['no header at all', file('', 0), /does not begin with \{/],
    ['text that is no UTF-8', Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x22), /not UTF-8/],
    ['half a surrogate pair', file('{"\\ud800":{}}', 0), /half a surrogate pair/],
    ['half a surrogate pair in metadata', file('{"__metadata__":{"a":"\\udc00x"}}', 0), /half a surrogate pair/],
    ['an unknown escape', file('{"\\x":{}}', 0), /escapes that JSON knows/],
    ['a raw control character', file('{"a\n":{}}', 0), /without control characters/],
    ['a comma too many', file('{"__metadata__":{},}', 0), /expected a key in quotes/],
    ['metadata that is null', file('{"__metadata__":null}', 0), /__metadata__ is not an object/],
    ['metadata that is a number', file('{"__metadata__":{"step":1}}', 0), /__metadata__ step is not a string/],
    ['metadata that is no object', file({ __metadata__: 'x' }, 0), /__metadata__ is not an object/],
    ['metadata that is no string', file({ __metadata__: { x: { y: 1 } } }, 0), /__metadata__ x is not a string/],
  ])('%s is refused, and the message says why', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  const w = (more = '') => `"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]${more}}`;
  it.each<[string, string, RegExp]>([
    ['a tensor', `{${w()},${w()}}`, /gives w twice/],
    ['a tensor, with another type over the same bytes', `{${w()},${w().replace('F32', 'I32')}}`, /gives w twice/],
    ['a tensor, once by escapes', `{${w()},${w().replace('"w"', '"\\u0077"')}}`, /gives w twice/],
    ['a tensor called __proto__', `{${w().replace('w', '__proto__')},${w().replace('w', '__proto__')}}`, /gives __proto__ twice/],
    ['the metadata', '{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}', /gives __metadata__ twice/],
    ['the metadata, empty', '{"__metadata__":{},"\\u005f_metadata__":{}}', /gives __metadata__ twice/],
    ['a key of the metadata', '{"__metadata__":{"step":"1","step":"2"}}', /gives step twice/],
    ['a key of the metadata, once by escapes', '{"__metadata__":{"a/b":"1","a\\/b":"1"}}', /gives a\/b twice/],
    ['a dtype', `{${w(',"dtype":"F32"')}}`, /gives dtype twice/],
    ['a shape', `{${w(',"\\u0073hape":[1]')}}`, /gives shape twice/],
    ['offsets', `{${w(',"data_offsets":[0,4]')}}`, /gives data_offsets twice/],
    ['a member that is passed over', `{${w(',"note":1,"note":2')}}`, /gives note twice/],
    ['a key deep in a member that is passed over', `{${w(',"note":[{"a":[{"b":1,"b":2}]}]')}}`, /gives b twice/],
  ])('%s given twice is refused', (_, header, message) => {
    expect(() => parseSafetensors(file(header, 4))).toThrow(SafetensorsError);
    expect(() => parseSafetensors(file(header, 4))).toThrow(message);
    expect(() => readSafetensorsMetadata(file(header, 4))).toThrow(message);
  });

  it.each(['1.0', '1e0', '01', '-0', '+1', '0x1', '"1"', 'true', 'null', 'NaN', '[1]', '9007199254740993', '1'.repeat(400)])(
    'a size written as %s is refused',
    (size) => {
      expect(() => parseSafetensors(file(`{"a":{"dtype":"F32","shape":[${size}],"data_offsets":[0,4]}}`, 4))).toThrow(SafetensorsError);
      expect(() => parseSafetensors(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,${size}]}}`, 4))).toThrow(SafetensorsError);
    },
  );

  it('what the format allows is read: any order, no alignment, empty tensors, scalars, escapes, white space, other members', () => {
    const bytes = file(
      ' {"later":{"data_offsets":[3,7],"shape":[],"dtype":"F32","note":[{"a":null},1.5e-3,true]},\n\t"__metadata__":{},"":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"\\u00e4\\ud83d\\ude00":{"dtype":"F64","shape":[2,0],"data_offsets":[7,7]}, "none" : {"dtype":"I64","shape":[ 0 ],"data_offsets":[ 0 , 0 ]}}   '.slice(
        1,
      ),
      7,
    );
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 2.5, true);
    const { tensors, metadata } = parseSafetensors(bytes);
    expect([...tensors].map(([name, { dtype, shape, data }]) => [name, dtype, shape, [...data]])).toEqual([
      ['later', 'F32', [], [2.5]],
      ['', 'U8', [3], [0, 0, 0]],
      ['ä😀', 'F64', [2, 0], []],
      ['none', 'I64', [0], []],
    ]);
    expect(Object.keys(metadata)).toEqual([]);
    expect(parseSafetensors(file('{}', 0)).tensors.size).toBe(0);
  });

  it('its errors are Initlab’s, short and printable whatever the file names', () => {
    const name = `\u0007${'n'.repeat(1_000_000)}`;
    for (const header of [{ [name]: entry([2], [0, 4]) }, { __metadata__: { [name]: 1 } }, { a: entry([1], [0, 4], name) }])
      try {
        parseSafetensors(file(header, 4));
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(InitlabError);
        expect((error as Error).message).toMatch(/^[\x20-\x7e…]{10,300}$/);
      }
    expect(() => parseSafetensors(untyped('model.safetensors'))).toThrow(
      /takes a file's bytes as a Uint8Array, got string; in Node: await/,
    );
  });

  it('a header beyond the format’s 100 MB is refused unread', () => {
    const bytes = new Uint8Array(100_000_100);
    new DataView(bytes.buffer).setBigUint64(0, 100_000_001n, true);
    expect(() => parseSafetensors(bytes)).toThrow(/claims 100000001 bytes, more than the 100000000 that the format allows/);
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
