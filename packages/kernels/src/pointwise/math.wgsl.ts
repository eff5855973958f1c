/**
 * Elementary functions that agree with float64 to about 1e-6 on every driver. WGSL's own differ between drivers
 * (SwiftShader's sin is off by 2e-4) and some are missing. Each entry may use those it names.
 */
interface MathFunction {
  readonly uses?: readonly string[];
  readonly code: string;
}

/** As PyTorch's: what overflows wraps, and of negative powers only those of 1 and −1 are whole. */
const wholePower = (T: 'i32' | 'u32'): string => `fn pow${T}(x: ${T}, e: ${T}) -> ${T} {
  if (e < 0) { return select(${T}(), select(${T}(1), x, e % 2 != 0), abs(x) == 1); }
  var y = ${T}(1);
  var power = x;
  for (var rest = e; rest > 0; rest /= 2) {
    if (rest % 2 == 1) { y *= power; }
    power *= power;
  }
  return y;
}`;

const library: Readonly<Record<string, MathFunction>> = {
  // Comparisons with NaN are not reliable on software drivers; its bits are.
  isNan: { code: 'fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }' },
  // Built from a runtime value, since WGSL refuses a NaN or infinity it can fold.
  nanOf: { code: 'fn nanOf(x: f32) -> f32 { return bitcast<f32>(0x7fc00000u | (bitcast<u32>(x) & 1u)); }' },
  infinityOf: { code: 'fn infinityOf(x: f32) -> f32 { return bitcast<f32>(0x7f800000u & (bitcast<u32>(x) | 0x7f800000u)); }' },
  maxNan: { uses: ['isNan'], code: 'fn maxNan(a: f32, b: f32) -> f32 { return select(select(max(a, b), b, isNan(b)), a, isNan(a)); }' },
  minNan: { uses: ['isNan'], code: 'fn minNan(a: f32, b: f32) -> f32 { return select(select(min(a, b), b, isNan(b)), a, isNan(a)); }' },
  // exp(x) = 2^k · e^r with |r| ≤ ln2/2; e^r by its series to r^7. r = x − k·ln2 is taken in whole numbers of 2⁻²⁴
  // (11629080 of them are ln2 + 1.9e-9): a split of ln2 in two floats is undone by drivers that merge nested fma
  // (lavapipe, error 4e-6 at x = −71). 2^k in two factors reaches the subnormals.
  exact_exp: {
    uses: ['isNan', 'infinityOf'],
    code: `fn exact_exp(x: f32) -> f32 {
  let c = clamp(x, -104.0, 89.0);
  let k = round(c * 1.44269504);
  let whole = f32(i32(c * 16777216.0) - i32(k) * 11629080) * 5.9604644775390625e-8;
  let r = select(whole + k * 1.904654323e-9, c, k == 0.0);
  let series = 1.0 + r * (1.0 + r * (0.5 + r * (0.166666667 + r * (0.0416666667 + r * (8.33333333e-3 + r * (1.38888889e-3 + r * 1.98412698e-4))))));
  let half = i32(k) / 2;
  let rest = i32(k) - half;
  let scaled = series * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(rest + 127) << 23u);
  return select(select(scaled, infinityOf(x), x > 88.7228394), x, isNan(x));
}`,
  },
  // e^x − 1 without losing a small x.
  exact_expm1: {
    uses: ['exact_exp'],
    code: `fn exact_expm1(x: f32) -> f32 {
  let series = x * (1.0 + x * (0.5 + x * (0.166666667 + x * (0.0416666667 + x * (8.33333333e-3 + x * (1.38888889e-3 + x * 1.98412698e-4))))));
  return select(exact_exp(x) - 1.0, series, abs(x) < 0.35);
}`,
  },
  // log(x) = k·ln2 + log(m), √½ ≤ m < √2; log(m) by the odd series in s = (m−1)/(m+1).
  exact_log: {
    uses: ['isNan', 'nanOf', 'infinityOf'],
    code: `fn exact_log(x: f32) -> f32 {
  let tiny = x < 1.17549435e-38;
  let bits = bitcast<u32>(select(x, x * 8388608.0, tiny));
  let shifted = bits - 0x3f3504f3u;
  let k = f32(bitcast<i32>(shifted) >> 23u) - select(0.0, 23.0, tiny);
  let m = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u);
  let f = m - 1.0;
  let s = f / (2.0 + f);
  let z = s * s;
  let series = z * (0.666666667 + z * (0.4 + z * (0.285714286 + z * (0.222222222 + z * (0.181818182 + z * 0.153846154)))));
  // log(1+f) = 2s + s·series = f − s·(f − series): the second form keeps the digits of a small f.
  let value = fma(k, 0.693359375, fma(k, -2.12194440e-4, f - s * (f - series)));
  if (isNan(x) || x < 0.0) { return nanOf(x); }
  if (x == 0.0) { return -infinityOf(x); }
  return select(value, x, bitcast<u32>(x) == 0x7f800000u);
}`,
  },
  // log(1 + u) for 0 ≤ u ≤ 1, as 2 artanh(u / (2 + u)): a small u keeps its digits without differences that
  // drivers simplify away.
  exact_log1p: {
    code: `fn exact_log1p(u: f32) -> f32 {
  let s = u / (2.0 + u);
  let z = s * s;
  let series = 0.333333333 + z * (0.2 + z * (0.142857143 + z * (0.111111111 + z * (0.0909090909 + z * (0.0769230769 + z * 0.0666666667)))));
  return 2.0 * s + 2.0 * s * z * series;
}`,
  },
  exact_sigmoid: {
    uses: ['exact_exp', 'isNan'],
    code: `fn exact_sigmoid(x: f32) -> f32 {
  let e = exact_exp(-abs(x));
  return select(select(1.0, e, x < 0.0) / (1.0 + e), x, isNan(x));
}`,
  },
  // Odd series below 0.625 (where 1 − 2/(e^2x + 1) would cancel), coefficients of Cephes' tanhf.
  exact_tanh: {
    uses: ['exact_exp', 'isNan'],
    code: `fn exact_tanh(x: f32) -> f32 {
  let a = abs(x);
  let z = x * x;
  let small = x + x * z * (-0.333332819 + z * (0.133314073 + z * (-0.0537397155 + z * (0.0206390888 - z * 5.70498872e-3))));
  let large = (1.0 - 2.0 / (exact_exp(2.0 * min(a, 20.0)) + 1.0)) * select(1.0, -1.0, x < 0.0);
  return select(select(large, small, a < 0.625), x, isNan(x));
}`,
  },
  // x = k·π/2 + r, good to 1e-7 up to |x| = 1e5. π/2 = 201/2⁷ + 2029/2²² + 7.5e-8; after the first product, which is
  // exact, the second is taken in whole numbers of 2⁻²⁴, for the reason told at exact_exp.
  quarterTurns: {
    code: `fn quarterTurns(x: f32) -> vec2f {
  let k = round(x * 0.636619772);
  let left = i32((x - k * 1.5703125) * 16777216.0) - i32(k) * 8116;
  return vec2f(k, select(f32(left) * 5.9604644775390625e-8 - k * 7.549789949e-8, x, k == 0.0));
}`,
  },
  sineOf: {
    code: `fn sineOf(r: f32) -> f32 { let z = r * r; return r + r * z * (-0.166666667 + z * (8.33333333e-3 + z * (-1.98412698e-4 + z * 2.75573192e-6))); }
fn cosineOf(r: f32) -> f32 { let z = r * r; return 1.0 + z * (-0.5 + z * (0.0416666667 + z * (-1.38888889e-3 + z * (2.48015873e-5 - z * 2.75573192e-7)))); }
fn turned(turns: i32, r: f32) -> f32 {
  let value = select(sineOf(r), cosineOf(r), (turns & 1) == 1);
  return select(value, -value, (turns & 2) == 2);
}`,
  },
  // Larger arguments are left to the driver: in float32 they are no angles any more.
  exact_sin: {
    uses: ['isNan', 'quarterTurns', 'sineOf'],
    code: `fn exact_sin(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  if (abs(x) > 1e5) { return sin(x); }
  let t = quarterTurns(x);
  return turned(i32(t.x), t.y);
}`,
  },
  exact_cos: {
    uses: ['isNan', 'quarterTurns', 'sineOf'],
    code: `fn exact_cos(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  if (abs(x) > 1e5) { return cos(x); }
  let t = quarterTurns(x);
  return turned(i32(t.x) + 1, t.y);
}`,
  },
  // Complementary error function for x ≥ 0, relative error 1.2e-7 (Press et al., Numerical Recipes, §6.2, Chebyshev fit).
  exact_erfc: {
    uses: ['exact_exp'],
    code: `fn exact_erfc(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.5 * x);
  let fit = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
    + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  return t * exact_exp(-x * x + fit);
}`,
  },
  // Φ(x), the normal distribution function, right in both tails.
  normalCdf: {
    uses: ['exact_erfc'],
    code: `fn normalCdf(x: f32) -> f32 {
  let tail = 0.5 * exact_erfc(abs(x) * 0.707106781);
  return select(1.0 - tail, tail, x < 0.0);
}`,
  },
  exact_softplus: {
    uses: ['exact_exp', 'exact_log1p', 'isNan'],
    code: 'fn exact_softplus(x: f32) -> f32 { return select(max(x, 0.0) + exact_log1p(exact_exp(-abs(x))), x, isNan(x)); }',
  },
  // |x|^e by logarithm (relative error about 1e-7 · e · log x), with the sign and the special cases of IEEE pow.
  exact_pow: {
    uses: ['isNan', 'exact_exp', 'exact_log', 'nanOf', 'infinityOf'],
    code: `fn exact_pow(x: f32, e: f32) -> f32 {
  if (e == 0.0 || x == 1.0 || (x == -1.0 && abs(e) > 3.4028234e38)) { return 1.0; }
  if (isNan(x) || isNan(e)) { return nanOf(x); }
  let whole = floor(e) == e;
  let odd = whole && (floor(e * 0.5) * 2.0 != e);
  if (x == 0.0) { return select(infinityOf(x), 0.0, e > 0.0); }
  if (x < 0.0 && !whole && abs(x) <= 3.4028234e38) { return nanOf(x); }
  if (e == 1.0) { return x; }
  if (e == 2.0) { return x * x; }
  if (e == 3.0) { return x * x * x; }
  if (e == -1.0) { return 1.0 / x; }
  let magnitude = exact_exp(e * exact_log(abs(x)));
  return select(magnitude, -magnitude, x < 0.0 && odd);
}`,
  },
  // Derivatives of x^e; constant where e (or x under a positive e) is 0, as PyTorch has it.
  powi32: { code: wholePower('i32') },
  powu32: { code: wholePower('u32') },
  powGradBase: {
    uses: ['exact_pow'],
    code: 'fn powGradBase(g: f32, x: f32, e: f32) -> f32 { if (e == 0.0) { return 0.0; } return g * e * exact_pow(x, e - 1.0); }',
  },
  powGradExponent: {
    uses: ['exact_log'],
    code: 'fn powGradExponent(g: f32, x: f32, e: f32, y: f32) -> f32 { if (x == 0.0 && e >= 0.0) { return 0.0; } return g * y * exact_log(x); }',
  },
};

/** WGSL of the named functions and what they use, each once, in order of dependence. */
export function mathFunctions(names: Iterable<string>): string {
  const written = new Set<string>();
  const lines: string[] = [];
  const write = (name: string): void => {
    if (written.has(name)) return;
    written.add(name);
    const found = library[name];
    if (!found) throw new Error(`kernels: no math function ${name}`);
    for (const used of found.uses ?? []) write(used);
    lines.push(found.code);
  };
  for (const name of names) write(name);
  return lines.join('\n');
}

/** Names of the library's functions called in an expression. */
export function mathUsedIn(expression: string): string[] {
  return Object.keys(library).filter((name) => new RegExp(`\\b${name}\\(`).test(expression));
}
