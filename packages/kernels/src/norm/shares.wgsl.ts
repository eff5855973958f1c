/*
 * How sums over rows are kept and joined, for a quad of channels: `Share`, `emptyShare()` and `joinShares(a, b)`.
 */

/** Means and sums of squared deviations of n rows, merged after Chan, Golub and LeVeque; a share without rows changes nothing (by
 * selection: invocations that branch wait for one another). */
export const momentShares = `struct Share { first: vec4f, second: vec4f, n: f32 }
fn emptyShare() -> Share { return Share(vec4f(), vec4f(), 0.0); }
fn joinShares(a: Share, b: Share) -> Share {
  let n = a.n + b.n;
  let d = b.first - a.first;
  let share = b.n / n;
  let first = select(fma(d, vec4f(share), a.first), b.first, a.n == 0.0);
  let second = select(a.second + b.second + d * d * (a.n * share), b.second, a.n == 0.0);
  return Share(select(first, a.first, b.n == 0.0), select(second, a.second, b.n == 0.0), n);
}
// From sums of deviations from an origin, and of their squares. Rounding may leave a small negative number; a NaN stays, and so does
// the −∞ of an overflow.
fn momentsOf(origin: vec4f, a: vec4f, b: vec4f, n: f32) -> Share {
  if (n == 0.0) { return emptyShare(); }
  let rest = b - a * a / n;
  return Share(origin + a / n, select(rest, vec4f(), (rest < vec4f()) & (rest > vec4f(-3e38))), n);
}`;

/** Two plain sums. */
export const sumShares = `struct Share { first: vec4f, second: vec4f }
fn emptyShare() -> Share { return Share(vec4f(), vec4f()); }
fn joinShares(a: Share, b: Share) -> Share { return Share(a.first + b.first, a.second + b.second); }`;
