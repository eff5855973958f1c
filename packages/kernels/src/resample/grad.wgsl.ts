import { entry } from '../kernel.js';

/** WGSL: the entry point up to its element `i`, at (n, py, px, c) of images of this size. */
export const position = (size: 'in' | 'out'): string => `${entry('i', 'p.count')}
  let c = i % p.channels;
  let px = (i / p.channels) % p.${size}Width;
  let rest = i / p.channels / p.${size}Width;
  let py = rest % p.${size}Height;
  let n = rest / p.${size}Height;`;

/**
 * WGSL of a gradient, behind `fn part(o: u32, step: f32, size: u32, i: u32) -> f32`, how much of pixel i, of `size`, output o has.
 * `reach`: how far around o · step the outputs read, the half pixel of a centre counted.
 */
export const gradBody = (reach: number, dtype: 'f32' | 'f16'): string => `
// Outputs before it read pixels before i only; those from \`after\` on, pixels beyond. A pixel more on either side, for roundings.
fn before(i: u32, step: f32, count: u32) -> u32 {
  if (step == 0.0) { return 0u; }
  return min(u32(max(floor((f32(i) - ${reach}) / step) - 1.0, 0.0)), count);
}
fn after(i: u32, step: f32, count: u32) -> u32 {
  if (step == 0.0) { return count; }
  return u32(min(ceil((f32(i) + ${reach}) / step) + 2.0, f32(count)));
}
${position('in')}
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
