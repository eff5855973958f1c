import {
  abs,
  add,
  backward,
  clamp,
  compile,
  type Device,
  div,
  equal,
  floor,
  grad,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  openDevice,
  pow,
  relu,
  sign,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
let whole: Tensor;
let float: Tensor;
beforeAll(async () => {
  device = await openDevice();
  whole = tensor(Int32Array.of(1, 2, -3));
  float = tensor([0.5, -1, 2]);
});
afterAll(() => device.close());

// PyTorch's results.
const cases: [string, () => Tensor, string, number[]][] = [
  ['whole + whole number', () => add(whole, 1), 'i32', [2, 3, -2]],
  ['whole + fraction', () => add(whole, 1.5), 'f32', [2.5, 3.5, -1.5]],
  ['fraction − whole', () => sub(0.5, whole), 'f32', [-0.5, -1.5, 3.5]],
  ['whole / whole number', () => div(whole, 2), 'f32', [0.5, 1, -1.5]],
  ['whole / whole', () => div(whole, tensor(Int32Array.of(2, 4, 2))), 'f32', [0.5, 0.5, -1.5]],
  ['unsigned / whole number', () => div(tensor(Uint32Array.of(1, 3)), 2), 'f32', [0.5, 1.5]],
  ['whole · float', () => mul(whole, float), 'f32', [0.5, -2, -6]],
  ['float · whole', () => mul(float, whole), 'f32', [0.5, -2, -6]],
  ['maximum with a fraction', () => maximum(whole, 0.5), 'f32', [1, 2, 0.5]],
  ['whole to a fraction', () => pow(tensor(Int32Array.of(4, 9)), 0.5), 'f32', [2, 3]],
  ['whole squared', () => pow(whole, 2), 'i32', [1, 4, 9]],
  ['whole > float', () => greater(whole, float), 'f32', [1, 1, 0]],
  ['where, a fraction', () => where(greater(whole, 0), whole, 0.5), 'f32', [1, 2, 0.5]],
  ['where, a float', () => where(greater(whole, 0), whole, float), 'f32', [1, 2, 2]],
  ['whole, clamped by a fraction', () => clamp(whole, { min: -0.5 }), 'f32', [1, 2, -0.5]],
  ['whole, clamped', () => clamp(whole, { min: 0, max: 1.0 }), 'i32', [1, 1, 0]],
  ['whole, clamped by bounds that cross', () => clamp(whole, { min: 5, max: 2 }), 'i32', [2, 2, 2]],
  ['where, a whole number', () => where(greater(whole, 0), whole, 0), 'i32', [1, 2, 0]],
];
for (const [title, make, dtype, expected] of cases)
  it(title, async () => {
    const y = make();
    expect(y.dtype).toBe(dtype);
    expect([...(await y.read())]).toEqual(expected);
  });

// Neighbours that are one f32, at both ends of i32 and beyond it.
const b = 2 ** 24;
const most = 2 ** 31 - 1;
const large: Record<'i32' | 'u32', { x: number[]; z: number[]; number: number }> = {
  i32: { x: [b + 1, b, -b - 1, most, -most - 1], z: [b, b + 1, -b, most - 1, -most], number: b + 1 },
  u32: { x: [b + 1, b, 2 ** 31, 2 ** 32 - 1, 0], z: [b, b + 1, 2 ** 31 - 1, 2 ** 32 - 2, 1], number: 2 ** 32 - 1 },
};
const exactly: Record<string, [(x: Tensor, z: Tensor | number) => Tensor, (x: number, z: number, wrap: (n: number) => number) => number]> =
  {
    add: [add, (x, z, wrap) => wrap(x + z)],
    sub: [sub, (x, z, wrap) => wrap(x - z)],
    mul: [mul, (x, z, wrap) => wrap(Math.imul(x, z))],
    maximum: [maximum, (x, z) => Math.max(x, z)],
    minimum: [minimum, (x, z) => Math.min(x, z)],
    greater: [greater, (x, z) => Number(x > z)],
    greaterEqual: [greaterEqual, (x, z) => Number(x >= z)],
    less: [less, (x, z) => Number(x < z)],
    lessEqual: [lessEqual, (x, z) => Number(x <= z)],
    equal: [equal, (x, z) => Number(x === z)],
    notEqual: [notEqual, (x, z) => Number(x !== z)],
  };
const alone: Record<string, [(x: Tensor) => Tensor, (x: number, wrap: (n: number) => number) => number]> = {
  abs: [abs, (x, wrap) => wrap(Math.abs(x))],
  neg: [neg, (x, wrap) => wrap(-x)],
  sign: [sign, Math.sign],
  square: [square, (x, wrap) => wrap(Math.imul(x, x))],
  relu: [relu, (x) => Math.max(x, 0)],
  floor: [floor, (x) => x],
};
describe.each(['i32', 'u32'] as const)('%s that are no f32', (dtype) => {
  const { x, z, number } = large[dtype];
  const wrap = (n: number): number => (dtype === 'i32' ? n | 0 : n >>> 0);
  const of = (values: number[]): Tensor => tensor(values, { dtype });
  const both = async (call: (x: Tensor, z: Tensor) => Tensor): Promise<number[][]> =>
    Promise.all([call, compile(call)].map(async (run) => [...(await run(of(x), of(z)).read())]));
  it.each(Object.entries(exactly))('%s', async (_, [call, wanted]) => {
    const expected = x.map((v, i) => wanted(v, z[i] as number, wrap));
    expect(await both(call)).toEqual([expected, expected]);
    expect([...(await call(of(x), number).read())]).toEqual(x.map((v) => wanted(v, number, wrap)));
  });
  it.each(Object.entries(alone))('%s', async (_, [call, wanted]) => {
    const expected = x.map((v) => wanted(v, wrap));
    expect(await both(call)).toEqual([expected, expected]);
    expect(call(of(x)).dtype).toBe(dtype);
  });
  it('clamp, by bounds that are no f32 and by some that bound nothing', async () => {
    const clamped = (min: number, max: number): number[] => x.map((v) => Math.min(Math.max(v, min), max));
    for (const [min, max] of [
      [b + 1, b + 1],
      [-(2 ** 40), b + 1],
      [b + 1, 2 ** 40],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    ] as const)
      expect(await both((a) => clamp(a, { min, max }))).toEqual([clamped(min, max), clamped(min, max)]);
    const whole = of(x);
    expect(() => clamp(whole, { min: 2 ** 40 })).toThrow(`clamp: ${2 ** 40} is no ${dtype}; give whole numbers from`);
    expect(() => clamp(whole, { max: -(2 ** 40) })).toThrow("or cast() it first, e.g. .to('f32')");
  });
  it.each(Object.entries(exactly).filter(([name]) => !['add', 'sub', 'mul', 'maximum', 'minimum'].includes(name)))(
    '%s, with numbers beyond all of the type, at either side',
    async (_, [call, wanted]) => {
      for (const beyond of [2 ** 31, 2 ** 32, 3e10, -1, -(2 ** 31) - 1, -3e10]) {
        const expected = x.map((v) => wanted(v, beyond, wrap));
        expect(await both((a) => call(a, beyond)), String(beyond)).toEqual([expected, expected]);
        const turned = x.map((v) => wanted(beyond, v, wrap));
        expect(await both((a) => call(beyond as unknown as Tensor, a)), String(beyond)).toEqual([turned, turned]);
      }
    },
  );
  it('sums and products with numbers beyond it wrap, as PyTorch’s; extremes are those of the tensor, or refused', async () => {
    for (const beyond of [2 ** 32 - 1, -1, 3e9, -3e9]) {
      const wrapped = wrap(beyond);
      expect(await both((a) => add(a, beyond))).toEqual(Array(2).fill(x.map((v) => wrap(v + wrapped))));
      expect(await both((a) => mul(beyond, a))).toEqual(Array(2).fill(x.map((v) => wrap(Math.imul(v, wrapped)))));
    }
    expect(await both((a) => minimum(a, 2 ** 32))).toEqual([x, x]);
    expect(await both((a) => maximum(-(2 ** 32), a))).toEqual([x, x]);
    const [whole, far] = [of(x), 2 ** 32];
    expect(() => maximum(whole, far)).toThrow(`maximum: ${far} is no ${dtype}; give whole numbers from`);
    expect(() => where(whole, whole, far)).toThrow(`where: ${far} is no ${dtype}; give whole numbers from`);
    expect(() => pow(whole, far)).toThrow(`pow: ${far} is no ${dtype}; give whole numbers from`);
  });
  it('where, by fractions and by whole numbers', async () => {
    const shares = [0.5, 0, -0.5, 0, 1];
    const chosen = x.map((v, i) => (shares[i] === 0 ? (z[i] as number) : v));
    expect(await both((a, c) => where(tensor(shares), a, c))).toEqual([chosen, chosen]);
    const filled = x.map((v) => v || number);
    expect(await both((a) => where(a, a, number))).toEqual([filled, filled]);
  });
});

it('powers of whole numbers are whole, to the last digit, and wrap as PyTorch’s', async () => {
  const read = async (y: Tensor): Promise<number[]> => [...(await y.read())];
  const bases = tensor(Int32Array.of(3, -7, 46340, 2, -1, 1, 5, 0));
  const exponents = tensor(Int32Array.of(17, 9, 2, 33, -3, -2, -1, 0));
  expect(await read(pow(bases, exponents))).toEqual([129140163, -40353607, 2147395600, 0, -1, 1, 0, 1]);
  expect(await read(pow(tensor(Int32Array.of(46339, -3)), 2))).toEqual([2147302921, 9]);
  expect(await read(pow(3, tensor(Uint32Array.of(20, 0))))).toEqual([3486784401, 1]);
});

it('refuses what PyTorch refuses or what only the user can decide', () => {
  expect(() => add(whole, tensor(Uint32Array.of(1)))).toThrow('add: operands are i32 and u32; cast() one');
  expect(() => pow(whole, -1)).toThrow("pow: i32 to the negative power -1 is no whole number; cast() it first, e.g. .to('f32')");
});

it('gradients pass beside whole numbers, twice', async () => {
  const x = tensor([0.5, 1.5, 2]).requiresGrad_();
  backward(sum(mul(x, whole)));
  expect([...((await x.grad?.read()) ?? [])]).toEqual([1, 2, -3]);
  const base = tensor(Int32Array.of(1, 2, 3));
  const [first] = grad(sum(pow(base, x)), [x], { createGraph: true }) as [Tensor];
  const [second] = grad(sum(first), [x]) as [Tensor];
  const wanted = [1, 2, 3].map((b, i) => Math.log(b) ** 2 * b ** ([0.5, 1.5, 2][i] as number));
  (await second.read()).forEach((v, i) => {
    // Two logarithms and a power in f32.
    expect(v).toBeCloseTo(wanted[i] as number, 4);
  });
});

it('compiled as eager', async () => {
  const step = compile((n, x) => [n.add(1.5).mul(x), n.div(2).sub(n), x.to('i32').add(0.5)]);
  const made = (await step(whole, float)) as Tensor[];
  expect(await Promise.all(made.map(async (y) => [...(await y.read())]))).toEqual([
    [1.25, -3.5, -3],
    [-0.5, -1, 1.5],
    [0.5, -0.5, 2.5],
  ]);
});
