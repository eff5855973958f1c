/**
 * Pointwise ops as rows: forward and derivative as WGSL expressions, and the range tests draw inputs from.
 * In expressions `x`, `z` are the operands, `y` the result, `g` the gradient of the result, `a`, `b` the attributes.
 */
export interface UnaryRow {
  readonly forward: string;
  /** The same of whole numbers, of type `T`, or true: it reads alike. Absent where it makes fractions of them. */
  readonly whole?: string | true;
  /** Gradient of x; absent for functions that are constant nearly everywhere. */
  readonly backward?: string;
  readonly range: readonly [number, number];
  /** Attributes with their defaults, read as `a`, `b`. */
  readonly attrs?: readonly number[];
}

export interface BinaryRow {
  readonly forward: string;
  /** As in `UnaryRow`. */
  readonly whole?: string | true;
  /** What it gives is a float, 0 or 1, of whole numbers too. */
  readonly compares?: true;
  /** Gradients of x and z. */
  readonly backward?: readonly [string, string];
  readonly range: readonly [number, number];
}

export const unaryRows = {
  // The gradients read the result, so that what it was made from need not be kept.
  relu: { forward: 'select(x, 0.0, x < 0.0)', whole: 'max(x, T())', backward: 'select(0.0, g, y > 0.0 || isNan(y))', range: [-3, 3] },
  relu6: {
    forward: 'select(select(x, 0.0, x < 0.0), 6.0, x > 6.0)',
    backward: 'select(0.0, g, (y > 0.0 && y < 6.0) || isNan(y))',
    range: [-3, 9],
  },
  sigmoid: { forward: 'exact_sigmoid(x)', backward: 'g * y * (1.0 - y)', range: [-8, 8] },
  tanh: { forward: 'exact_tanh(x)', backward: 'g * (1.0 - y * y)', range: [-5, 5] },
  exp: { forward: 'exact_exp(x)', backward: 'g * y', range: [-8, 8] },
  log: { forward: 'exact_log(x)', backward: 'g / x', range: [0.01, 9] },
  sin: { forward: 'exact_sin(x)', backward: 'g * exact_cos(x)', range: [-20, 20] },
  cos: { forward: 'exact_cos(x)', backward: '-g * exact_sin(x)', range: [-20, 20] },
  sqrt: { forward: 'sqrt(x)', backward: 'g * 0.5 / y', range: [0.01, 9] },
  rsqrt: { forward: '1.0 / sqrt(x)', backward: 'g * -0.5 * y * y * y', range: [0.05, 9] },
  reciprocal: { forward: '1.0 / x', backward: '-g * y * y', range: [0.2, 9] },
  square: { forward: 'x * x', whole: true, backward: 'g * 2.0 * x', range: [-3, 3] },
  abs: { forward: 'abs(x)', whole: true, backward: 'g * sign(x)', range: [-3, 3] },
  neg: { forward: '-x', whole: 'T() - x', backward: '-g', range: [-3, 3] },
  sign: { forward: 'sign(x)', whole: 'T(x > T()) - T(x < T())', range: [-3, 3] },
  floor: { forward: 'floor(x)', whole: 'x', range: [-3, 3] },
  silu: { forward: 'x * exact_sigmoid(x)', backward: 'g * exact_sigmoid(x) * (1.0 + x * (1.0 - exact_sigmoid(x)))', range: [-6, 6] },
  gelu: {
    forward: 'x * normalCdf(x)',
    backward: 'g * (normalCdf(x) + x * 0.398942280 * exact_exp(-0.5 * x * x))',
    range: [-6, 6],
  },
  softplus: { forward: 'exact_softplus(x)', backward: 'g * exact_sigmoid(x)', range: [-8, 8] },
  hardswish: {
    forward: 'x * clamp(x + 3.0, 0.0, 6.0) / 6.0',
    backward: 'g * select(select(x / 3.0 + 0.5, 1.0, x >= 3.0), 0.0, x <= -3.0)',
    range: [-5, 5],
  },
  /** α (e^x − 1) below zero. */
  elu: {
    forward: 'select(x, a * exact_expm1(x), x <= 0.0)',
    backward: 'select(g * a * exact_exp(x), g, x > 0.0)',
    range: [-5, 5],
    attrs: [1],
  },
  leakyRelu: { forward: 'select(x, a * x, x < 0.0)', backward: 'select(a * g, g, x > 0.0)', range: [-3, 3], attrs: [0.01] },
  clamp: {
    // The upper bound wins where the two cross, as in PyTorch.
    forward: 'select(select(x, a, x < a), b, select(x, a, x < a) > b)',
    whole: true,
    backward: 'select(0.0, g, x >= a && x <= b)',
    range: [-3, 3],
    attrs: [-1, 1],
  },
  /** 1 where x is NaN. */
  isNan: { forward: 'select(0.0, 1.0, isNan(x))', range: [-3, 3] },
} as const satisfies Record<string, UnaryRow>;

const comparison = (forward: string) => ({ forward, whole: true, compares: true, range: [-3, 3] }) as const;

export const binaryRows = {
  add: { forward: 'x + z', whole: true, backward: ['g', 'g'], range: [-3, 3] },
  sub: { forward: 'x - z', whole: true, backward: ['g', '-g'], range: [-3, 3] },
  mul: { forward: 'x * z', whole: true, backward: ['g * z', 'g * x'], range: [-3, 3] },
  div: { forward: 'x / z', backward: ['g / z', '-g * y / z'], range: [0.3, 3] },
  pow: {
    forward: 'exact_pow(x, z)',
    whole: 'powT(x, z)',
    backward: ['powGradBase(g, x, z)', 'powGradExponent(g, x, z, y)'],
    range: [0.3, 3],
  },
  // A tie gives half the gradient to each, as PyTorch does; NaN, neither larger nor smaller, passes the gradient on to both.
  maximum: {
    forward: 'maxNan(x, z)',
    whole: 'max(x, z)',
    backward: ['select(select(g, 0.0, x < z), 0.5 * g, x == z)', 'select(select(g, 0.0, x > z), 0.5 * g, x == z)'],
    range: [-3, 3],
  },
  minimum: {
    forward: 'minNan(x, z)',
    whole: 'min(x, z)',
    backward: ['select(select(g, 0.0, x > z), 0.5 * g, x == z)', 'select(select(g, 0.0, x < z), 0.5 * g, x == z)'],
    range: [-3, 3],
  },
  greater: comparison('select(0.0, 1.0, x > z)'),
  greaterEqual: comparison('select(0.0, 1.0, x >= z)'),
  less: comparison('select(0.0, 1.0, x < z)'),
  lessEqual: comparison('select(0.0, 1.0, x <= z)'),
  equal: comparison('select(0.0, 1.0, x == z)'),
  notEqual: comparison('select(1.0, 0.0, x == z)'),
} as const satisfies Record<string, BinaryRow>;

export type UnaryName = keyof typeof unaryRows;
export type BinaryName = keyof typeof binaryRows;
