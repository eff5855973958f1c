import type { BinaryName, UnaryName } from '@initlab/kernels';

/** The rows of the table in float64, written from their definitions: a row without a reference does not compile. */
export const unaryReference: Readonly<Record<UnaryName, (x: number, attrs: readonly number[]) => number>> = {
  relu: (x) => (x < 0 ? 0 : x),
  relu6: (x) => (x < 0 ? 0 : x > 6 ? 6 : x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  square: (x) => x * x,
  abs: Math.abs,
  neg: (x) => -x,
  sign: Math.sign,
  floor: Math.floor,
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => x * normalCdf(x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  elu: (x, [alpha = 1]) => (x > 0 ? x : alpha * Math.expm1(x)),
  leakyRelu: (x, [slope = 0.01]) => (x < 0 ? slope * x : x),
  clamp: (x, [low = 0, high = 0]) => (x < low ? low : x > high ? high : x),
  isNan: (x) => Number(Number.isNaN(x)),
};

export const binaryReference: Readonly<Record<BinaryName, (x: number, z: number) => number>> = {
  add: (x, z) => x + z,
  sub: (x, z) => x - z,
  mul: (x, z) => x * z,
  div: (x, z) => x / z,
  pow: (x, z) => x ** z,
  maximum: Math.max,
  minimum: Math.min,
  greater: (x, z) => Number(x > z),
  greaterEqual: (x, z) => Number(x >= z),
  less: (x, z) => Number(x < z),
  lessEqual: (x, z) => Number(x <= z),
  equal: (x, z) => Number(x === z),
  notEqual: (x, z) => Number(x !== z),
};

/** Where derivatives jump; difference quotients and roundings are not compared there. */
export const kinks: Partial<Record<UnaryName, readonly number[]>> = {
  relu: [0],
  relu6: [0, 6],
  abs: [0],
  hardswish: [-3, 3],
  elu: [0],
  leakyRelu: [0],
  clamp: [-1, 1],
};

/** Φ(x) by the series of erf near 0 and the continued fraction of erfc in the tails. */
export function normalCdf(x: number): number {
  const a = Math.abs(x) / Math.SQRT2;
  let tail: number;
  if (a < 2) {
    let sum = a;
    let term = a;
    for (let n = 1; n < 100; n++) {
      term *= -(a * a) / n;
      sum += term / (2 * n + 1);
    }
    tail = 0.5 - sum / Math.sqrt(Math.PI);
  } else {
    let fraction = 0;
    for (let n = 200; n > 0; n--) fraction = n / 2 / (a + fraction);
    tail = (0.5 * Math.exp(-a * a)) / Math.sqrt(Math.PI) / (a + fraction);
  }
  return x < 0 ? tail : 1 - tail;
}

/** Derivative in float64 by a symmetric difference; its own error is about 1e-10 of the function's size. */
export const slope = (f: (x: number) => number, x: number): number => (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
