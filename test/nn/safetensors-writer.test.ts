import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { OpError } from '@initlab/core';
import { parseSafetensors, type SavedTensor, serializeSafetensors } from '@initlab/nn';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

describe('the writer', () => {
  const one = (): SavedTensor => ({ shape: [1], data: Float32Array.of(1) });

  it('names like __proto__ and numbers are names, in the order given', () => {
    const names = ['z', '__proto__', 'constructor', 'toString', '10', '9', '', 'ä😀', 'a"b\\c\n\u2028'];
    const metadata = JSON.parse('{"__proto__":"x","constructor":"y","":"z"}') as Record<string, string>;
    const read = parseSafetensors(
      serializeSafetensors(new Map(names.map((name, i) => [name, { shape: [], data: Float32Array.of(i) }])), metadata),
    );
    expect([...read.tensors].map(([name, { data }]) => [name, data[0]])).toEqual(names.map((name, i) => [name, i]));
    expect(Object.entries(read.metadata)).toEqual(Object.entries(metadata));
  });

  it.each<[string, string, unknown, RegExp]>([
    ['the name __metadata__', '__metadata__', one(), /__metadata__ is the header's own key/],
    ['half a surrogate pair', 'a\ud800', one(), /the name of a tensor has half a surrogate pair/],
    ['a name that is no text', untyped(7), one(), /the name of a tensor is number 7/],
    ['too few numbers', 'w', { shape: [2], data: Float32Array.of(1) }, /w has 1 numbers for the shape \[2\]/],
    ['too many numbers', 'w', { shape: [], data: Float32Array.of(1, 2) }, /w has 2 numbers for the shape \[\]/],
    ['numbers for an empty shape', 'w', { shape: [3, 0], data: Float32Array.of(1) }, /w has 1 numbers/],
    ['f64', 'w', { shape: [1], data: Float64Array.of(1) }, /w has Float64Array for data; takes Float32Array/],
    ['bytes', 'w', { shape: [4], data: Uint8Array.of(1, 2, 3, 4) }, /w has Uint8Array for data/],
    ['32-bit integers', 'w', { shape: [2], data: Int32Array.of(1, 2) }, /w has Int32Array for data/],
    ['unsigned integers', 'w', { shape: [1], data: BigUint64Array.of(1n) }, /w has BigUint64Array for data/],
    ['a plain array', 'w', { shape: [1], data: [1] }, /w has a plain array for data/],
    ['a buffer', 'w', { shape: [1], data: new ArrayBuffer(4) }, /w has ArrayBuffer for data/],
    ['a view', 'w', { shape: [1], data: new DataView(new ArrayBuffer(4)) }, /w has DataView for data/],
    ['nothing', 'w', undefined, /w has undefined undefined for data/],
    ['no shape', 'w', { data: Float32Array.of(1) }, /w has the shape undefined undefined/],
    ['a broken size', 'w', { shape: [0.5, 2], data: Float32Array.of(1) }, /w has the shape \[0\.5, 2\]/],
    ['a negative size', 'w', { shape: [-1, -1], data: Float32Array.of(1) }, /w has the shape \[-1, -1\]/],
    ['a size that is NaN', 'w', { shape: [Number.NaN], data: new Float32Array(0) }, /w has the shape \[NaN\]/],
    ['a hole for a size', 'w', { shape: new Array(1), data: new Float32Array(0) }, /w has the shape \[\]/],
    ['a size that is text', 'w', { shape: ['1'], data: Float32Array.of(1) }, /w has the shape \[1\]/],
    ['sizes that overflow before a zero', 'w', { shape: [2 ** 52, 2 ** 52, 0], data: new Float32Array(0) }, /w has 0 numbers/],
  ])('refuses %s', (_, name, tensor, message) => {
    expect(() => serializeSafetensors(untyped(new Map([[name, tensor]])))).toThrow(OpError);
    expect(() => serializeSafetensors(untyped(new Map([[name, tensor]])))).toThrow(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['a number', { step: 1 }, /metadata step is number 1; the format has text only/],
    ['nothing', { step: undefined }, /metadata step is undefined/],
    ['an object', { step: { a: 'b' } }, /metadata step is Object/],
    ['half a surrogate pair', { step: '\udfff' }, /metadata step has half a surrogate pair/],
    ['half a surrogate pair for a key', { '\udfff': 'a' }, /a key of metadata has half/],
    ['a Map', new Map([['a', 'b']]), /takes metadata as an object of strings, got Map/],
    ['text', 'step', /takes metadata as an object of strings, got string step/],
    ['null', null, /takes metadata as an object of strings/],
  ])('refuses metadata that is %s', (_, metadata, message) => {
    expect(() => serializeSafetensors(new Map([['w', one()]]), untyped(metadata))).toThrow(OpError);
    expect(() => serializeSafetensors(new Map([['w', one()]]), untyped(metadata))).toThrow(message);
  });

  it('refuses an object in place of a Map, and a header beyond the format’s 100 MB', () => {
    expect(() => serializeSafetensors(untyped({ w: one() }))).toThrow(/takes a Map of tensors by name, got Object/);
    expect(() => serializeSafetensors(new Map(), { a: 'x'.repeat(100_000_000) })).toThrow(/take 10\d+ bytes, the format allows 100000000/);
  });

  it('lays data where readers without copies can use it', () => {
    const tensors = new Map<string, SavedTensor>([
      ['odd', { shape: [3], data: Float32Array.of(1, 2, 3) }],
      ['count', { shape: [], data: BigInt64Array.of(5n) }],
      ['more', { shape: [1], data: Float32Array.of(4) }],
      ['count2', { shape: [1], data: BigInt64Array.of(-6n) }],
    ]);
    const bytes = serializeSafetensors(tensors);
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))) as Record<string, { data_offsets: [number, number] }>;
    expect(Object.keys(header)).toEqual([...tensors.keys()]);
    for (const [name, { data }] of tensors) {
      const at = start + (header[name]?.data_offsets[0] as number);
      expect(at % data.BYTES_PER_ELEMENT, name).toBe(0);
    }
    expect([...parseSafetensors(bytes).tensors].map(([name, { data }]) => [name, ...data])).toEqual([
      ['odd', 1, 2, 3],
      ['count', 5],
      ['more', 4],
      ['count2', -6],
    ]);
  });

  const whole = fc.string({ unit: 'grapheme', maxLength: 12 });
  const anyTensor: fc.Arbitrary<SavedTensor> = fc.array(fc.nat(4), { maxLength: 4 }).chain((shape) => {
    const size = shape.reduce((product, d) => product * d, 1);
    return fc.oneof(
      fc.float32Array({ minLength: size, maxLength: size }).map((data) => ({ shape, data })),
      fc.bigInt64Array({ minLength: size, maxLength: size, min: -(2n ** 53n), max: 2n ** 53n }).map((data) => ({ shape, data })),
    );
  });

  it('whatever tensors and metadata it takes come back, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(whole, anyTensor), { maxLength: 6 }), fc.array(fc.tuple(whole, whole)), (list, pairs) => {
        const tensors = new Map(list.filter(([name]) => name !== '__metadata__'));
        const metadata = Object.fromEntries(pairs);
        const read = parseSafetensors(serializeSafetensors(tensors, metadata));
        expect({ ...read.metadata }).toEqual(metadata);
        expect([...read.tensors.keys()]).toEqual([...tensors.keys()]);
        for (const [name, { shape, data }] of tensors) {
          const there = read.tensors.get(name);
          expect(there?.shape).toEqual(shape);
          expect(there?.data).toEqual(data instanceof Float32Array ? data : Float64Array.from(data, Number));
        }
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it('whatever text is given as names and metadata, it writes what is read or refuses', () => {
    const any = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 6 });
    fc.assert(
      fc.property(any, any, any, (name, key, value) => {
        let bytes: Uint8Array;
        try {
          bytes = serializeSafetensors(new Map([[name, one()]]), Object.fromEntries([[key, value]]));
        } catch (error) {
          expect(error).toBeInstanceOf(OpError);
          return;
        }
        const { tensors, metadata } = parseSafetensors(bytes);
        expect([[...tensors.keys()], Object.entries(metadata)]).toEqual([[name], [[key, value]]]);
      }),
      { numRuns: 1000, seed: 12 },
    );
  });
});

describe('another program’s files', () => {
  const script = path.join(import.meta.dirname, 'fixtures/safetensors_by_hand.py');
  const fixture = new Uint8Array(readFileSync(path.join(import.meta.dirname, 'fixtures/by-hand.safetensors')));
  const python = ['/usr/bin/python3', 'python3'].find((p) => spawnSync(p, ['-c', 'import json']).status === 0);

  it('written by Python’s json and struct are read: every type, escapes, misaligned data', () => {
    const { tensors, metadata } = parseSafetensors(fixture);
    expect({ ...metadata }).toEqual({ made: 'by hand', 'ключ "1"': 'ä\n😀' });
    expect([...tensors].map(([name, { dtype, shape, data }]) => [name, dtype, shape, [...data]])).toEqual([
      ['flags', 'BOOL', [3], [1, 0, 1]],
      ['слой.вес', 'F32', [2, 2], [0.5, -1.25, 3, -0]],
      ['wide', 'F64', [1], [0.1]],
      ['half', 'F16', [2], [1.5, -2]],
      ['brain', 'BF16', [2], [1.5, -2]],
      ['count', 'I64', [], [-5]],
      ['u64', 'U64', [1], [2 ** 40]],
      ['i32', 'I32', [2], [-7, 7]],
      ['u32', 'U32', [1], [4_000_000_000]],
      ['i16', 'I16', [1], [-300]],
      ['u16', 'U16', [1], [60_000]],
      ['i8', 'I8', [1], [-8]],
      ['bytes', 'U8', [2, 0], []],
      ['__proto__', 'U8', [1], [9]],
    ]);
  });

  it.runIf(python)('and it reads ours, where Python is installed', () => {
    const bytes = serializeSafetensors(
      new Map<string, SavedTensor>([
        ['слой', { shape: [3], data: Float32Array.of(1, 2.5, -3) }],
        ['count', { shape: [], data: BigInt64Array.of(7n) }],
        ['__proto__', { shape: [0, 4], data: new Float32Array(0) }],
      ]),
      { made: 'here 😀' },
    );
    const { stdout, stderr } = spawnSync(python as string, [script, 'read'], { input: bytes, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([
      { made: 'here 😀' },
      [
        ['слой', [3], [1, 2.5, -3]],
        ['count', [], [7]],
        ['__proto__', [0, 4], []],
      ],
    ]);
  });
});
