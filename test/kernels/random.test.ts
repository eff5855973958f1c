import { type Device, dropout, Generator, grad, ones, openDevice, scope, type Tensor, tensor, uniform } from '@initlab/core';
import { dispatch, philox4x32, philoxWgsl, read, readWrite, type Words4 } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
let device: Device;
beforeAll(async () => {
  gpu = await openRawGpu();
  device = await openDevice();
});
afterAll(() => device.close());

const all = 0xffffffff;
/** Known answers of Random123's kat_vectors for philox4x32-10: counter, key, output. */
const published: readonly { counter: Words4; key: readonly [number, number]; output: Words4 }[] = [
  { counter: [0, 0, 0, 0], key: [0, 0], output: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  { counter: [all, all, all, all], key: [all, all], output: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd] },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    output: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];
const unit = (word: number): number => (word >>> 8) / 2 ** 24;

describe('Philox4x32-10', () => {
  it("gives Random123's published answers on the CPU", () => {
    for (const { counter, key, output } of published) expect(philox4x32(counter, key)).toEqual([...output]);
  });

  it('gives them on the GPU, and what the CPU gives for others', async () => {
    const words = new Generator(7);
    const more = Array.from({ length: 61 }, () => Array.from({ length: 6 }, () => words.uint32()));
    const cases = [...published.map(({ counter, key }) => [...counter, ...key]), ...more];
    const made = dispatch(gpu.target, {
      family: 'philox-test',
      key: {},
      bindings: [read('x', 'u32'), readWrite('y', 'vec4<u32>')],
      workgroups: [1, 1, 1],
      code: () => `${philoxWgsl}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) {
  let at = i * 6u;
  y[i] = philox(vec4u(x[at], x[at + 1u], x[at + 2u], x[at + 3u]), vec2u(x[at + 4u], x[at + 5u]));
}`,
    });
    const out = await gpu.run(
      { variant: 'philox', temporaries: [], dispatches: [made] },
      { x: Uint32Array.from(cases.flat()) },
      { y: 64 * 16 },
    );
    const expected = cases.flatMap((c) => philox4x32(c.slice(0, 4) as unknown as Words4, [c[4] as number, c[5] as number]));
    expect([...new Uint32Array(out.y as ArrayBuffer)]).toEqual(expected);
    expect(expected.slice(0, 12)).toEqual(published.flatMap((p) => [...p.output]));
  });
});

const rngOf = (words: readonly number[]): Tensor => tensor(Uint32Array.from(words), { device, dtype: 'u32' });

describe('numbers drawn on the device', () => {
  it('uniform: the upper 24 bits of (index, stream, step) under the seed, whatever the size', async () => {
    const rng = rngOf([11, 22, 33, 44]);
    for (const size of [1, 7, 4096]) {
      const y = uniform([size], { rng, stream: 5 });
      const got = await y.read();
      for (let i = 0; i < size; i++) {
        const words = philox4x32([Math.floor(i / 4), 5, 33, 44], [11, 22]);
        expect(got[i]).toBe(unit(words[i % 4] as number));
      }
      y.dispose();
    }
    const y = uniform([64, 64], { rng, stream: 6, low: -2, high: 3 });
    const values = await y.read();
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...values)).toBeLessThanOrEqual(3);
    // The mean of 4096 uniforms of width 5 has a standard deviation of 0.023.
    expect(Math.abs([...values].reduce((a, b) => a + b, 0) / 4096 - 0.5)).toBeLessThan(0.1);
    expect(() => uniform([2], { rng: tensor([1, 2], { device }), stream: 0 })).toThrow('rng is u32 [4]');
  });

  it('dropout: drops by logical index, alike in both formats, at the wanted rate', async () => {
    const rng = rngOf([1, 2, 3, 4]);
    const shape = [3, 5, 4, 6];
    const size = 360;
    for (const p of [0.1, 0.5, 0.9]) {
      const expected = Float32Array.from({ length: size }, (_, i) => {
        const words = philox4x32([Math.floor(i / 4), 9, 3, 4], [1, 2]);
        return unit(words[i % 4] as number) >= Math.fround(p) ? Math.fround(1 / (1 - p)) : 0;
      });
      for (const format of ['rowMajor', 'channelsLast'] as const) {
        const x = tensor(new Float32Array(size).fill(1), { shape, format, device });
        const y = dropout(x, { p, rng, stream: 9 });
        expect(y.format).toBe(format);
        expect([...(await y.read())]).toEqual([...expected]);
      }
    }
    const many = dropout(ones([50_001], { device }), { p: 0.3, rng, stream: 1 });
    const kept = (await many.read()).filter((v) => v !== 0).length / 50_001;
    // The rate of 50,001 draws has a standard deviation of 0.002.
    expect(Math.abs(kept - 0.7)).toBeLessThan(0.01);
  });

  it('dropout: streams, steps and seeds give other choices; the gradient uses the same one', async () => {
    const data = parityFill(256, { seed: 8, shift: 3 });
    const pattern = async (words: number[], stream: number): Promise<string> => {
      const y = dropout(tensor(data, { device }), { p: 0.5, rng: rngOf(words), stream });
      return (await y.read()).map((v) => (v === 0 ? 0 : 1)).join('');
    };
    const base = await pattern([1, 0, 0, 0], 0);
    expect(await pattern([1, 0, 0, 0], 0)).toBe(base);
    for (const other of [await pattern([1, 0, 0, 0], 1), await pattern([1, 0, 1, 0], 0), await pattern([2, 0, 0, 0], 0)])
      expect(other).not.toBe(base);
    const [y, dx] = scope(() => {
      const x = tensor(data, { device, requiresGrad: true });
      const out = dropout(x, { p: 0.5, rng: rngOf([1, 0, 0, 0]), stream: 0 });
      return [out.detach(), ...grad(out, [x], { gradient: ones([256], { device }) })];
    }) as [Tensor, Tensor];
    const [values, gradient] = [await y.read(), await dx.read()];
    expect([...gradient]).toEqual(Array.from(values, (v) => (v === 0 ? 0 : 2)));
  });

  it('dropout: all or nothing at the ends', async () => {
    const rng = rngOf([1, 2, 3, 4]);
    const x = tensor(parityFill(12, { seed: 3, shift: 2 }), { device });
    expect(dropout(x, { p: 0, rng, stream: 0 })).toBe(x);
    expect([...(await dropout(x, { p: 1, rng, stream: 0 }).read())]).toEqual(new Array(12).fill(0));
    expect(() => dropout(x, { p: 1.5, rng, stream: 0 })).toThrow('p is 1.5; give a number from 0 to 1');
  });
});
