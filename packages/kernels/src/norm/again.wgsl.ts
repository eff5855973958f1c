/**
 * WGSL for what f32 cannot square: deviations beyond 10¹⁹. Statistics whose sum of squares came out infinite or NaN are taken again
 * from the values themselves, each times a power of two that brings the largest near 1; all others keep their bits. A single
 * invocation does it, from memory: such values are rare, and where they are NaN it stops at the first.
 *
 * `measureAgain(bad, n, …parameters)` gives the statistics in units of `unit` (its inverse is `down`) where `bad` and where all values
 * are finite; elsewhere `fine` is false. V is f32 or, for four neighbouring channels, vec4f.
 */
export function measureAgain({ vec, parameters, count, at }: Again): string {
  return `
alias V = ${vec === 4 ? 'vec4f' : 'f32'};
alias U = ${vec === 4 ? 'vec4u' : 'u32'};
alias B = ${vec === 4 ? 'vec4<bool>' : 'bool'};
struct Measured { mean: V, squares: V, unit: V, down: V, fine: B }
fn notFinite(v: V) -> B { return (bitcast<U>(v) & U(0x7f800000u)) == U(0x7f800000u); }
fn measureAgain(bad: B, n: f32, ${parameters}) -> Measured {
  var top = U();
  for (var k = 0u; k < ${count}; k++) {
    top = max(top, bitcast<U>(x[${at}]) & U(0x7fffffffu));
    if (all(!bad | (top >= U(0x7f800000u)))) { break; }
  }
  let field = max(U(254u) - min(top >> U(23u), U(254u)), U(1u));
  let down = bitcast<V>(field << U(23u));
  let fine = bad & (top < U(0x7f800000u));
  if (!any(fine)) { return Measured(V(), V(), V(1.0), V(1.0), fine); }
  var sum = V();
  for (var k = 0u; k < ${count}; k++) { sum += x[${at}] * down; }
  let centre = sum / n;
  var a = V();
  var b = V();
  for (var k = 0u; k < ${count}; k++) { let d = x[${at}] * down - centre; a += d; b = fma(d, d, b); }
  let squares = max(b - a * (a / n), V());
  return Measured(centre + a / n, squares, select(V(1.0), bitcast<V>((U(254u) - field) << U(23u)), fine), select(V(1.0), down, fine), fine);
}`;
}

/**
 * WGSL of `moved(former, value)`: a running statistic that has moved towards a new value by `p.momentum`. An infinite one stays so,
 * where the difference of two infinities would make it NaN.
 */
export function movedCode(vec: 1 | 4): string {
  const [v, u] = vec === 4 ? ['vec4f', 'vec4u'] : ['f32', 'u32'];
  return `
fn moved(former: ${v}, value: ${v}) -> ${v} {
  // By halves: the difference of two large values is no f32.
  let next = fma(${v}(p.momentum * 2.0), value * 0.5 - former * 0.5, former);
  let infinite = bitcast<${u}>(former) == ${u}(0x7f800000u);
  return select(next, former, infinite & ((bitcast<${u}>(value) & ${u}(0x7fffffffu)) <= ${u}(0x7f800000u)));
}`;
}

interface Again {
  readonly vec: 1 | 4;
  /** Further parameters of the function: where its values lie. */
  readonly parameters: string;
  /** Number of values (or vectors), and the index of value `k` in `x`. */
  readonly count: string;
  readonly at: string;
}
