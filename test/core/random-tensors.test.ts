import {
  add,
  addInto,
  cat,
  compile,
  type Device,
  Generator,
  manualSeed,
  openDevice,
  rand,
  randn,
  reshape,
  Scope,
  type Tensor,
} from '@initlab/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let device: Device;
let ofTest: Scope;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
beforeEach(() => {
  ofTest = new Scope();
});
afterEach(() => ofTest[Symbol.dispose]());

const unit = (word: number): number => (word >>> 8) / 2 ** 24;
/** The float64 value of normal i of the words from an offset that is a multiple of four. */
const normal = (words: readonly number[], i: number): number => {
  const [first = 0, second = 0] = words.slice(i - (i % 2), i - (i % 2) + 2).map(unit);
  const angle = 2 * Math.PI * second;
  return Math.sqrt(-2 * Math.log(1 - first)) * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
};
const wordsOf = (generator: Generator, count: number): number[] => Array.from({ length: count }, () => generator.uint32());

describe('rand and randn', () => {
  it('give the words of the generator, and the normals made of them, at any size and offset', async () => {
    for (const [offset, stream, size] of [
      [0, 0, 1],
      [0, 5, 7],
      [3, 0, 64],
      [8, 2, 4099],
      // The counter's lower half is full within the draw.
      [4 * (2 ** 32 - 3), 1, 40],
    ] as const) {
      const state = { seed: 2 ** 40 + 11, stream, offset };
      const words = wordsOf(Generator.from({ ...state, offset: Math.ceil(offset / 4) * 4 }), Math.ceil(size / 4) * 4);
      const [forUniforms, forNormals] = [Generator.from(state), Generator.from(state)];
      const uniforms = await rand([size], { device, generator: forUniforms }).read();
      expect([...uniforms]).toEqual(words.slice(0, size).map(unit));
      const normals = await randn([size], { device, generator: forNormals }).read();
      // Box and Muller in f32: the radius is at most 5.8, its root and the angle's functions are good to a few units of 2⁻²⁴.
      normals.forEach((v, i) => expect(Math.abs(v - normal(words, i))).toBeLessThan(3e-6));
      for (const generator of [forUniforms, forNormals])
        expect(generator.state).toEqual({ ...state, offset: Math.ceil(offset / 4) * 4 + Math.ceil(size / 4) * 4 });
    }
  });

  it('have the moments of their distributions', async () => {
    const count = 100_000;
    const values = [...(await randn([count], { device, generator: new Generator(1) }).read())];
    const moment = (k: number): number => values.reduce((sum, v) => sum + v ** k, 0) / count;
    // Deviations of the sample's moments: √(1, 2, 15, 96)/√count. Four of them are exceeded once in 16,000.
    for (const [k, wanted, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      expect(Math.abs(moment(k) - wanted)).toBeLessThan(4 * Math.sqrt(variance / count));
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it('take shape, type, format and leaf as other tensors do', async () => {
    const made = randn([2, 3, 2, 2], { device, generator: new Generator(2), format: 'channelsLast', requiresGrad: true });
    expect([made.shape, made.format, made.requiresGrad]).toEqual([[2, 3, 2, 2], 'channelsLast', true]);
    const plain = await randn([2, 3, 2, 2], { device, generator: new Generator(2) }).read();
    expect(await made.read()).toEqual(plain);
    expect(rand([0, 3], { device }).shape).toEqual([0, 3]);
    expect(() => rand([2], { device, dtype: 'i32' })).toThrow('rand: makes f32 or f16, not i32');
    expect(() => randn([-1], { device })).toThrow(/randn/);
    if (!device.caps.f16) return;
    expect(rand([4], { device, dtype: 'f16' }).dtype).toBe('f16');
    // One of 4096 numbers below 1 lies nearer to 1 than to the half before it.
    const halves = await rand([50_000], { device, dtype: 'f16', generator: new Generator(1) }).read();
    expect(Math.max(...halves)).toBe(1 - 2 ** -11);
  });

  it('draw anew at every call of a compiled function, the same as eager code, and go on from a saved state', async () => {
    const run = async (wrap: (body: () => Tensor) => () => Tensor): Promise<{ seen: number[][]; later: number[] }> => {
      const generator = new Generator(3, { stream: 4 });
      generator.uint32();
      const step = wrap(() => {
        const noise = randn([2, 3], { device, generator });
        addInto(noise, rand([3], { device, generator }).add(10).reshape([1, 3]).expand([2, 3]));
        return cat([reshape(noise, [6]), rand([2], { device, generator })]);
      });
      const seen: number[][] = [];
      for (let k = 0; k < 3; k++) seen.push([...(await step().read())]);
      const resumed = Generator.from(JSON.parse(JSON.stringify(generator.state)));
      const after = generator.uint32();
      expect(resumed.uint32()).toBe(after);
      return { seen, later: [after, ...(await step().read())] };
    };
    const eager = await run((body) => body);
    expect(new Set(eager.seen.map(String)).size).toBe(3);
    expect(await run((body) => compile(body, { device, exact: true }))).toEqual(eager);
    expect(await run((body) => compile(body, { device }))).toEqual(eager);
  });

  it('follow the library’s generator, also when it starts anew', async () => {
    const step = compile(() => add(rand([4], { device }), 0), { device });
    manualSeed(9);
    const first = await step().read();
    const second = await step().read();
    manualSeed(9);
    expect(await rand([4], { device }).read()).toEqual(first);
    expect(await step().read()).toEqual(second);
  });
});
