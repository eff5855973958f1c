import { entry } from '../kernel.js';

/** What the text of such a kernel depends on. */
interface BicubicKey {
  /** Whether the corners' centres lie on each other. */
  readonly corners: boolean;
  readonly forward: boolean;
  readonly dtype: 'f32' | 'f16';
}

/** Text of `planResample`'s kernels whose outputs read four pixels each way: Keys' cubics of −¾, pixels beyond the edge being those of the edge. */
export const bicubicWgsl = ({ corners, forward, dtype }: BicubicKey): string => `
fn place(o: u32, step: f32) -> f32 { return ${corners ? 'f32(o) * step' : '(f32(o) + 0.5) * step - 0.5'}; }
// The weights of the pixels from one before the place to two behind; t: how far it is from the second of them.
fn near(x: f32) -> f32 { return (1.25 * x - 2.25) * x * x + 1.0; }
fn far(x: f32) -> f32 { return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0; }
fn weights(t: f32) -> vec4f { return vec4f(far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)); }
fn tap(first: i32, k: i32, size: u32) -> u32 { return u32(clamp(first + k, 0, i32(size) - 1)); }
${forward ? forwardBody(dtype) : gradBody(dtype)}`;

const position = (height: string, width: string): string => `${entry('i', 'p.count')}
  let c = i % p.channels;
  let px = (i / p.channels) % ${width};
  let rest = i / p.channels / ${width};
  let py = rest % ${height};
  let n = rest / ${height};`;

const forwardBody = (dtype: 'f32' | 'f16'): string => `${position('p.outHeight', 'p.outWidth')}
  let y0 = place(py, p.stepY);
  let x0 = place(px, p.stepX);
  let down = weights(y0 - floor(y0));
  let right = weights(x0 - floor(x0));
  var sum = 0.0;
  for (var r = 0; r < 4; r++) {
    let row = (n * p.inHeight + tap(i32(floor(y0)) - 1, r, p.inHeight)) * p.inWidth;
    var along = 0.0;
    for (var s = 0; s < 4; s++) { along += right[s] * f32(x[(row + tap(i32(floor(x0)) - 1, s, p.inWidth)) * p.channels + c]); }
    sum += down[r] * along;
  }
  y[i] = ${dtype}(sum);
}`;

const gradBody = (dtype: 'f32' | 'f16'): string => `
// Outputs before it read pixels before i only; those from \`after\` on, pixels beyond. A pixel more on either side, for roundings.
fn before(i: u32, step: f32, count: u32) -> u32 {
  if (step == 0.0) { return 0u; }
  return min(u32(max(floor((f32(i) - 2.5) / step) - 1.0, 0.0)), count);
}
fn after(i: u32, step: f32, count: u32) -> u32 {
  if (step == 0.0) { return count; }
  return u32(min(ceil((f32(i) + 2.5) / step) + 2.0, f32(count)));
}
// How much of pixel i an output has.
fn part(o: u32, step: f32, size: u32, i: u32) -> f32 {
  let at = place(o, step);
  let w = weights(at - floor(at));
  var sum = 0.0;
  for (var k = 0; k < 4; k++) { sum += select(0.0, w[k], tap(i32(floor(at)) - 1, k, size) == i); }
  return sum;
}
${position('p.inHeight', 'p.inWidth')}
  var sum = 0.0;
  let endY = after(py, p.stepY, p.outHeight);
  let endX = after(px, p.stepX, p.outWidth);
  for (var oy = before(py, p.stepY, p.outHeight); oy < endY; oy++) {
    let high = part(oy, p.stepY, p.inHeight, py);
    if (high == 0.0) { continue; }
    for (var ox = before(px, p.stepX, p.outWidth); ox < endX; ox++) {
      sum += high * part(ox, p.stepX, p.inWidth, px) * f32(dy[((n * p.outHeight + oy) * p.outWidth + ox) * p.channels + c]);
    }
  }
  dx[i] = ${dtype}(sum);
}`;
