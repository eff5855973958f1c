import { type Device, defaultGenerator, Generator, manualSeed, openDevice, type Tensor, zeros } from '@initlab/core';
import * as nn from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

const { init } = nn;
let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const empty = (...shape: number[]): Tensor => zeros(shape, { device });
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())] as number[];
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const std = (values: readonly number[]): number => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
};

/** Φ(to) − Φ(from), by Simpson's rule: good to 1e-6 over the ranges below. */
function normalCdf(from: number, to: number): number {
  const steps = 100;
  const h = (to - from) / steps;
  const density = (z: number): number => Math.exp(-z * z * 0.5) / Math.sqrt(2 * Math.PI);
  let sum = 0;
  for (let i = 0; i <= steps; i++) sum += density(from + i * h) * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
  return (sum * h) / 3;
}
/** Largest distance between the values' distribution and the one given by its distribution function. */
function distance(values: readonly number[], cdf: (v: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.max(...sorted.map((v, i) => Math.max(Math.abs(cdf(v) - i / sorted.length), Math.abs(cdf(v) - (i + 1) / sorted.length))));
}
/** Kolmogorov's bound for a chance of 1e-6 of being wrong: √(ln(2e6) / 2n). */
const kolmogorov = (n: number): number => Math.sqrt(Math.log(2e6) / (2 * n));

describe('gains and fans', () => {
  // Printed by torch.nn.init.calculate_gain of PyTorch 1.13.
  it.each([
    ['linear', undefined, 1],
    ['conv1d', undefined, 1],
    ['conv2d', undefined, 1],
    ['conv3d', undefined, 1],
    ['convTranspose1d', undefined, 1],
    ['convTranspose2d', undefined, 1],
    ['convTranspose3d', undefined, 1],
    ['sigmoid', undefined, 1],
    ['tanh', undefined, 1.6666666666666667],
    ['relu', undefined, Math.SQRT2],
    ['leakyRelu', undefined, 1.4141428569978354],
    ['leakyRelu', 0.2, 1.3867504905630728],
    ['leakyRelu', 0, Math.SQRT2],
    ['selu', undefined, 0.75],
  ] as const)('%s, %s: %d', (nonlinearity, param, gain) => {
    expect(init.calculateGain(nonlinearity, param)).toBeCloseTo(gain, 14);
  });
  it('fans are PyTorch’s, groups or not', () => {
    expect(init.calculateFanInAndFanOut([20, 30])).toEqual({ fanIn: 30, fanOut: 20 });
    expect(init.calculateFanInAndFanOut([16, 8, 3, 5])).toEqual({ fanIn: 120, fanOut: 240 });
    // A depthwise 3×3 over 32 channels: PyTorch counts fan out as 32 · 9.
    expect(init.calculateFanInAndFanOut([32, 1, 3, 3])).toEqual({ fanIn: 9, fanOut: 288 });
    expect(init.calculateFanInAndFanOut([32, 1, 3, 3], { groups: 32 })).toEqual({ fanIn: 9, fanOut: 9 });
  });
});

describe('random values', () => {
  // 7,200 values: the deviation of a mean is σ/85, that of a standard deviation σ/120; bounds are about five of those.
  const shape = [20, 40, 3, 3] as const;
  const [fanIn, fanOut] = [360, 180];
  it.each<[string, (x: Tensor, generator: Generator) => Tensor, number]>([
    ['normal_', (x, generator) => init.normal_(x, { std: 3, generator }), 3],
    ['xavierNormal_', (x, generator) => init.xavierNormal_(x, { gain: 2, generator }), 2 * Math.sqrt(2 / (fanIn + fanOut))],
    ['kaimingNormal_', (x, generator) => init.kaimingNormal_(x, { generator }), Math.sqrt(2 / fanIn)],
    [
      'kaimingNormal_ fanOut, tanh',
      (x, generator) => init.kaimingNormal_(x, { mode: 'fanOut', nonlinearity: 'tanh', generator }),
      5 / 3 / Math.sqrt(fanOut),
    ],
    ['kaimingNormal_ a = 0.5', (x, generator) => init.kaimingNormal_(x, { a: 0.5, generator }), Math.sqrt(2 / 1.25 / fanIn)],
  ])('%s is normal with its deviation', async (_, fill, sigma) => {
    const values = await numbers(fill(empty(...shape), new Generator(3)));
    expect(Math.abs(mean(values)) / sigma).toBeLessThan(0.06);
    expect(Math.abs(std(values) / sigma - 1)).toBeLessThan(0.04);
    expect(distance(values, (v) => normalCdf(-9, v / sigma))).toBeLessThan(kolmogorov(values.length));
  });
  it.each<[string, (x: Tensor, generator: Generator) => Tensor, number, number]>([
    ['uniform_', (x, generator) => init.uniform_(x, { a: -1, b: 3, generator }), -1, 3],
    ['uniform_ by default', (x, generator) => init.uniform_(x, { generator }), 0, 1],
    ['xavierUniform_', (x, generator) => init.xavierUniform_(x, { generator }), -Math.sqrt(6 / 540), Math.sqrt(6 / 540)],
    [
      'kaimingUniform_ a = √5',
      (x, generator) => init.kaimingUniform_(x, { a: Math.sqrt(5), generator }),
      -1 / Math.sqrt(360),
      1 / Math.sqrt(360),
    ],
    [
      'kaimingUniform_ fanOut',
      (x, generator) => init.kaimingUniform_(x, { mode: 'fanOut', generator }),
      -Math.sqrt(6 / 180),
      Math.sqrt(6 / 180),
    ],
  ])('%s is uniform between its bounds', async (_, fill, a, b) => {
    const values = await numbers(fill(empty(...shape), new Generator(4)));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.fround(a));
    expect(Math.max(...values)).toBeLessThanOrEqual(Math.fround(b));
    expect(distance(values, (v) => (v - a) / (b - a))).toBeLessThan(kolmogorov(values.length));
  });

  it.each<[string, { mean?: number; std?: number; a?: number; b?: number }]>([
    ['by default ±2', {}],
    ['narrow around the mean', { a: -0.1, b: 0.3 }],
    ['on one side', { mean: 1, std: 0.5, a: 1.2, b: 1.4 }],
    ['the left tail', { mean: 0, std: 1, a: -6, b: -3 }],
    ['far out', { mean: 0, std: 1, a: 12, b: 13 }],
    ['without an upper end', { mean: 0, std: 2, a: 5, b: Number.POSITIVE_INFINITY }],
    ['wide to the left', { mean: 0, std: 1, a: -3, b: 0.4 }],
  ])('truncNormal_ %s has the distribution cut off there', async (_, options) => {
    const { mean: m = 0, std: s = 1, a = -2, b = 2 } = options;
    const values = await numbers(init.truncNormal_(empty(5000), { ...options, generator: new Generator(5) }));
    expect(values.every((v) => v >= Math.fround(a) && v <= Math.fround(b))).toBe(true);
    const [low, high] = [(a - m) / s, Math.min((b - m) / s, (a - m) / s + 9)];
    const whole = normalCdf(low, high);
    expect(distance(values, (v) => normalCdf(low, (v - m) / s) / whole)).toBeLessThan(kolmogorov(values.length));
  });

  it('sparse_ has ⌈sparsity · out⌉ zeros in every column, others N(0, std²)', async () => {
    const [rows, columns] = [61, 300];
    const values = await numbers(init.sparse_(empty(rows, columns), { sparsity: 0.3, std: 0.5, generator: new Generator(6) }));
    const zerosOf = (j: number): number => values.filter((v, i) => i % columns === j && v === 0).length;
    for (let j = 0; j < columns; j++) expect(zerosOf(j)).toBe(19);
    // Rows are chosen evenly: 300 columns with a chance of 19/61 each, five deviations.
    for (let i = 0; i < rows; i++) {
      const found = values.slice(i * columns, (i + 1) * columns).filter((v) => v === 0).length;
      expect(Math.abs(found - 93.4)).toBeLessThan(5 * Math.sqrt(93.4 * 0.69));
    }
    expect(std(values.filter((v) => v !== 0)) / 0.5).toBeCloseTo(1, 1);
  });

  it('the generator decides: one seed gives the same values, the default one is manualSeed’s', async () => {
    const drawn = async (generator?: Generator): Promise<number[]> => numbers(init.normal_(empty(5), generator ? { generator } : {}));
    expect(await drawn(new Generator(9))).toEqual(await drawn(new Generator(9)));
    manualSeed(9);
    expect(await drawn()).toEqual(await drawn(new Generator(9)));
    expect(await drawn()).toEqual(await drawn(Generator.from({ ...defaultGenerator().state, offset: 20 })));
  });
});

describe('fixed values', () => {
  it('constants', async () => {
    expect(await numbers(init.constant_(empty(2, 2), 0.5))).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(await numbers(init.ones_(empty(2)))).toEqual([1, 1]);
    expect(await numbers(init.zeros_(init.ones_(empty(2))))).toEqual([0, 0]);
  });
  it('eye_ of wide and tall matrices', async () => {
    expect(await numbers(init.eye_(empty(2, 3)))).toEqual([1, 0, 0, 0, 1, 0]);
    expect(await numbers(init.eye_(empty(3, 2)))).toEqual([1, 0, 0, 1, 0, 0]);
  });
  // Places of the ones as torch.nn.init.dirac_ of PyTorch 1.13 sets them.
  it.each<[number[], number, number[]]>([
    [[4, 2, 3], 2, [1, 10, 13, 22]],
    [[3, 2, 3, 3], 1, [4, 31]],
    [[2, 3, 4, 2], 1, [5, 37]],
    [[6, 2, 1, 3], 3, [1, 10, 13, 22, 25, 34]],
    [[2, 2, 2, 3, 3], 1, [13, 67]],
  ])('dirac_ [%s] in %d groups', async (shape, groups, ones) => {
    const values = await numbers(init.dirac_(empty(...shape), { groups }));
    expect(values.flatMap((v, i) => (v === 1 ? [i] : []))).toEqual(ones);
    expect(values.filter((v) => v === 0).length).toBe(values.length - ones.length);
  });
});

describe('orthogonal', () => {
  /** Largest distance of M·Mᵀ or Mᵀ·M, whichever is smaller, from the identity. */
  function worst(values: readonly number[], rows: number): number {
    const columns = values.length / rows;
    const at = (i: number, k: number): number => values[rows <= columns ? i * columns + k : k * columns + i] as number;
    let found = 0;
    for (let i = 0; i < Math.min(rows, columns); i++)
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < Math.max(rows, columns); k++) dot += at(i, k) * at(j, k);
        found = Math.max(found, Math.abs(dot - (i === j ? 1 : 0)));
      }
    return found;
  }
  it.each(
    [
      [10, 300],
      [300, 10],
      [130, 130],
      [1, 7],
      [7, 1],
      [64, 32, 3, 3],
      [96, 8, 3, 3],
      [40, 40, 1, 1],
      [12, 5, 7],
    ].map((s) => [s]),
  )('[%s] to 1e-5', async (shape) => {
    const values = await numbers(init.orthogonal_(empty(...shape), { generator: new Generator(7) }));
    expect(worst(values, shape[0] as number)).toBeLessThan(1e-5);
    const gained = await numbers(init.orthogonal_(empty(...shape), { gain: 2, generator: new Generator(7) }));
    expect(gained).toEqual(values.map((v) => 2 * v));
  });
  it('is evenly spread: the sign of an entry is a fair coin (Mezzadri 2007)', async () => {
    const generator = new Generator(8);
    let positive = 0;
    for (let i = 0; i < 400; i++) positive += ((await numbers(init.orthogonal_(empty(2, 2), { generator })))[0] as number) > 0 ? 1 : 0;
    expect(Math.abs(positive - 200)).toBeLessThan(5 * 10);
  });
  it('deltaOrthogonal_ is orthogonal at the centre and zero elsewhere', async () => {
    const values = await numbers(init.deltaOrthogonal_(empty(24, 10, 3, 5), { gain: 1, generator: new Generator(7) }));
    expect(
      worst(
        values.filter((_, i) => i % 15 === 7),
        24,
      ),
    ).toBeLessThan(1e-5);
    expect(values.every((v, i) => i % 15 === 7 || v === 0)).toBe(true);
  });
});

describe('what cannot be done says what to do', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a gain unknown', () => init.calculateGain(untyped('swish')), /no nonlinearity "swish"; known are linear,.*selu/],
    ['a slope that is none', () => init.calculateGain('leakyRelu', Number.NaN), /slope is NaN; give a number/],
    ['a mode unknown', () => init.kaimingNormal_(empty(2, 2), { mode: untyped('fan_in') }), /no mode "fan_in"; known are fanIn, fanOut/],
    ['fans of a vector', () => init.xavierNormal_(empty(3)), /two or more dimensions, got \[3\]; fill biases/],
    ['a negative deviation', () => init.normal_(empty(3), { std: -1 }), /normal_: std is -1; give a number from 0/],
    ['a mean that is NaN', () => init.normal_(empty(3), { mean: Number.NaN }), /normal_: mean is NaN; give a finite number/],
    ['bounds the wrong way round', () => init.uniform_(empty(3), { a: 1, b: 0 }), /a = 1 is above b = 0/],
    ['no interval', () => init.truncNormal_(empty(3), { a: 2, b: 2 }), /truncNormal_: \[2, 2\] is no interval/],
    ['no deviation', () => init.truncNormal_(empty(3), { std: 0 }), /std 0 must be above 0/],
    ['eye_ of a convolution', () => init.eye_(empty(2, 2, 1, 1)), /takes a matrix.*dirac_ is for convolutions/],
    ['dirac_ of a matrix', () => init.dirac_(empty(2, 2)), /3, 4 or 5 dimensions, got \[2, 2\]; eye_/],
    ['groups that do not divide', () => init.dirac_(empty(4, 2, 3, 3), { groups: 3 }), /groups 3 must divide the 4 output channels/],
    ['sparse_ of a convolution', () => init.sparse_(empty(2, 2, 1, 1), { sparsity: 0.5 }), /takes a matrix/],
    ['a share above 1', () => init.sparse_(empty(2, 2), { sparsity: 10 }), /sparsity is 10; give a number from 0 to 1/],
    ['orthogonal_ of a vector', () => init.orthogonal_(empty(3)), /two or more dimensions/],
    ['deltaOrthogonal_ with fewer outputs', () => init.deltaOrthogonal_(empty(2, 4, 3, 3)), /at least as many output as input channels/],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
