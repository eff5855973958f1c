import {
  add,
  backward,
  compile,
  type Device,
  div,
  grad,
  greater,
  maximum,
  mul,
  openDevice,
  pow,
  sub,
  sum,
  type Tensor,
  tensor,
  where,
} from '@initlab/core';
import { afterAll, beforeAll, expect, it } from 'vitest';

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
  ['where, a whole number', () => where(greater(whole, 0), whole, 0), 'i32', [1, 2, 0]],
];
for (const [title, make, dtype, expected] of cases)
  it(title, async () => {
    const y = make();
    expect(y.dtype).toBe(dtype);
    expect([...(await y.read())]).toEqual(expected);
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
