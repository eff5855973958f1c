import { gradBody, position } from './grad.wgsl.js';

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
${forward ? forwardBody(dtype) : part + gradBody(2.5, dtype)}`;

const forwardBody = (dtype: 'f32' | 'f16'): string => `${position('out')}
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

const part = `
// How much of pixel i an output has.
fn part(o: u32, step: f32, size: u32, i: u32) -> f32 {
  let at = place(o, step);
  let w = weights(at - floor(at));
  var sum = 0.0;
  for (var k = 0; k < 4; k++) { sum += select(0.0, w[k], tap(i32(floor(at)) - 1, k, size) == i); }
  return sum;
}`;
