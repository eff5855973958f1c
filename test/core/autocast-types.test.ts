import {
  add,
  autocast,
  backward,
  cast,
  compile,
  type Device,
  div,
  exp,
  grad,
  log,
  mean,
  mseLoss,
  mul,
  openDevice,
  pow,
  reciprocal,
  rsqrt,
  sigmoid,
  softplus,
  square,
  sum,
  type Tensor,
  tanh,
  tensor,
  variance,
  varMean,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const halves = (values: readonly number[]): Tensor => cast(tensor([...values], { device }), 'f16').requiresGrad_();

/** What PyTorch's autocast takes in f32, with values whose results are no halves, and the derivative at each. */
const wide: Record<string, { f: (x: Tensor) => Tensor; at: number; value: number; slope: number }> = {
  square: { f: square, at: 300, value: 9e4, slope: 600 },
  'x · x': { f: (x) => mul(x, x), at: -300, value: 9e4, slope: -600 },
  'x to the power 2': { f: (x) => pow(x, 2), at: 300, value: 9e4, slope: 600 },
  'x to the power −3': { f: (x) => pow(x, -3), at: 200, value: 1.25e-7, slope: -1.875e-9 },
  '1 / x': { f: (x) => div(1, x), at: 0.00001, value: 99864.4, slope: -9972897000 },
  reciprocal: { f: reciprocal, at: 0.00001, value: 99864.4, slope: -9972897000 },
  rsqrt: { f: rsqrt, at: 1024, value: 1 / 32, slope: -(2 ** -16) },
  exp: { f: exp, at: 12, value: Math.exp(12), slope: Math.exp(12) },
  log: { f: log, at: 1024, value: Math.log(1024), slope: 1 / 1024 },
  softplus: { f: softplus, at: -12, value: Math.log1p(Math.exp(-12)), slope: Math.exp(-12) },
};

describe('mixed precision takes in f32 what leaves the range of halves', () => {
  it.each(Object.entries(wide))('%s', async (_, { f, at, value, slope }) => {
    if (!device.caps.f16) return;
    const x = halves([at]);
    for (const compiled of [false, true]) {
      const body = (): [Tensor, Tensor] => {
        const y = f(x);
        expect(y.dtype).toBe('f32');
        const [gradient] = grad(sum(y), [x]);
        return [y, gradient as Tensor];
      };
      const [y, gradient] = compiled ? compile(body, { device, precision: 'mixed' })() : autocast(body);
      expect(await y.item()).toBeCloseTo(value, value > 1 ? -Math.floor(Math.log10(value)) + 4 : 9);
      // The gradient of a half is a half.
      expect(gradient.dtype).toBe('f16');
      const half = Math.abs(slope) > 65504 ? Math.sign(slope) * Number.POSITIVE_INFINITY : slope;
      expect(differs('slope', [await gradient.item()], [half], { absolute: 1e-7, relative: 2e-3 })).toBe('');
    }
  });

  it('outside it halves stay halves, as in PyTorch', async () => {
    if (!device.caps.f16) return;
    const x = halves([300]);
    expect(square(x).dtype).toBe('f16');
    expect(await square(x).item()).toBe(Number.POSITIVE_INFINITY);
  });

  it('gradients of gradients of halves are halves too', async () => {
    if (!device.caps.f16) return;
    for (const [f, second] of [
      [tanh, (v: number) => -2 * Math.tanh(v) * (1 - Math.tanh(v) ** 2)],
      [
        sigmoid,
        (v: number) => {
          const s = 1 / (1 + Math.exp(-v));
          return s * (1 - s) * (1 - 2 * s);
        },
      ],
      [(x: Tensor) => pow(x, 3), (v: number) => 6 * v],
      [(x: Tensor) => mul(square(x), x), (v: number) => 6 * v],
    ] as const) {
      const x = halves([0.75]);
      const twice = autocast(() => {
        const [first] = grad(sum(f(x)), [x], { createGraph: true });
        expect(first?.dtype).toBe('f16');
        return grad(sum(first as Tensor), [x])[0] as Tensor;
      });
      expect(twice.dtype).toBe('f16');
      // A handful of roundings to half.
      expect(Math.abs((await twice.item()) - second(0.75))).toBeLessThan(5e-3);
    }
  });
});

describe('statistics of halves', () => {
  const values = [300, -300, 500, -500, 60000, -60000];
  const square_ = (v: number): number => v * v;

  it('are summed in f32: sums, means and variances whose terms are no halves', async () => {
    if (!device.caps.f16) return;
    const x = halves(values);
    const exact = [...(await x.read())] as number[];
    const power = exact.reduce((a, v) => a + square_(v), 0);
    const got = autocast(() => [mean(square(x)), sum(mul(x, x)), variance(x), varMean(x, { correction: 0 }).variance, mean(mul(x, 1))]);
    for (const [i, wanted] of [power / 6, power, power / 5, power / 6, 0].entries()) {
      expect(got[i]?.dtype).toBe('f32');
      expect(differs(`${i}`, [await (got[i] as Tensor).item()], [wanted])).toBe('');
    }
    // Outside mixed precision results are rounded once, at the end: PyTorch's types.
    const small = halves([300, 302, 304]);
    expect([variance(small).dtype, await variance(small).item()]).toEqual(['f16', 4]);
    expect([mean(x).dtype, await mean(x).item()]).toEqual(['f16', 0]);
    expect(varMean(small).variance.dtype).toBe('f32');
  });

  it('gradients of a mean square reach halves, eager and compiled', async () => {
    if (!device.caps.f16) return;
    const x = halves(values);
    const exact = [...(await x.read())] as number[];
    const body = (): Tensor => {
      x.grad = undefined;
      backward(mul(rsqrt(add(mean(square(x)), 1e-6)), 1e4));
      return x.grad as unknown as Tensor;
    };
    const power = exact.reduce((a, v) => a + square_(v), 0) / 6;
    const wanted = exact.map((v) => (-1e4 * power ** -1.5 * v) / 6);
    for (const run of [() => autocast(body), compile(body, { device, precision: 'mixed' })])
      expect(differs('dx', await run().read(), wanted, { absolute: 1e-7, relative: 2e-3 })).toBe('');
  });

  it('a squared error of halves is summed in f32', async () => {
    if (!device.caps.f16) return;
    const [x, target] = [halves([300, 2]), halves([0, 1])];
    // 45000.5, rounded to half once.
    expect(await mseLoss(x, target).item()).toBe(44992);
    expect(mseLoss(x, target).dtype).toBe('f16');
    expect(await autocast(() => mseLoss(x, target, { reduction: 'sum' })).item()).toBe(90001);
    expect(() => mseLoss(x, tensor([1, 2], { device }))).toThrow('cast() one');
  });
});
