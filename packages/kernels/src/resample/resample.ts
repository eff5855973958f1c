import { dispatch, entry, f32, grid, read, readWrite, single, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { bicubicWgsl } from './bicubic.wgsl.js';

/** NHWC images brought to another size. */
export interface ResampleProblem {
  readonly batch: number;
  readonly channels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Pixels of the input from one of the output to the next: [height, width]. */
  readonly step: readonly [number, number];
  /** `corners`: bilinear with the corners' centres on each other; `bicubicCorners`, too. */
  readonly mode: 'nearest' | 'bilinear' | 'corners' | 'bicubic' | 'bicubicCorners';
  readonly dtype: 'f32' | 'f16';
}

/**
 * `forward`: x → y. `grad`, its adjoint: dy → dx, where each pixel of dx goes through the outputs that can have read it, in order.
 *
 * Output o stands at o · step (corners), or (o + ½) · step − ½, not below 0: the pixel below it and the next weigh 1 − t and t, t the
 * rest. Nearest reads ⌊o · step⌋. Bicubic stands there too, also below 0, and has four pixels each way. All as PyTorch has it.
 */
export function planResample(problem: ResampleProblem, kind: 'forward' | 'grad', target: Target): Plan {
  const { dtype, batch, channels, inHeight, inWidth, outHeight, outWidth, step, mode } = problem;
  const forward = kind === 'forward';
  const count = batch * channels * (forward ? outHeight * outWidth : inHeight * inWidth);
  const made = dispatch(target, {
    family: 'resample',
    about: 'Everything lies NHWC. An invocation owns one element of the result. No barriers.',
    key: { mode, forward, dtype },
    bindings: forward ? [read('x', dtype), readWrite('y', dtype)] : [read('dy', dtype), readWrite('dx', dtype)],
    scalars: {
      count: u32(count),
      channels: u32(channels),
      inHeight: u32(inHeight),
      inWidth: u32(inWidth),
      outHeight: u32(outHeight),
      outWidth: u32(outWidth),
      stepY: f32(step[0]),
      stepX: f32(step[1]),
    },
    workgroups: grid(count, target),
    code: (key) =>
      key.mode === 'bicubic' || key.mode === 'bicubicCorners' ? bicubicWgsl({ ...key, corners: key.mode !== 'bicubic' }) : text(key),
  });
  return single(`resample-${mode}-${kind}-${dtype}`, made);
}

const text = ({ mode, forward, dtype }: Pick<ResampleProblem, 'mode' | 'dtype'> & { readonly forward: boolean }): string => `
// The first of the two pixels that an output reads, the second, and the weight of the second.
struct Taps { first: u32, second: u32, weight: f32 }
fn taps(o: u32, step: f32, size: u32) -> Taps {
  ${
    mode === 'nearest'
      ? 'let at = min(u32(floor(f32(o) * step)), size - 1u);\n  return Taps(at, at, 0.0);'
      : `let at = ${mode === 'corners' ? 'f32(o) * step' : 'max((f32(o) + 0.5) * step - 0.5, 0.0)'};
  let first = min(u32(at), size - 1u);
  return Taps(first, min(first + 1u, size - 1u), clamp(at - f32(first), 0.0, 1.0));`
  }
}
${
  forward
    ? ''
    : `// Outputs before it read pixels before i only; those from \`after\` on, pixels beyond. A pixel more on either side, for roundings.
fn before(i: u32, step: f32, count: u32) -> u32 {
  if (step == 0.0) { return 0u; }
  return min(u32(max(floor((f32(i) - 1.5) / step) - 1.0, 0.0)), count);
}
fn after(i: u32, step: f32, count: u32) -> u32 {
  if (step == 0.0) { return count; }
  return u32(min(ceil((f32(i) + 1.5) / step) + 2.0, f32(count)));
}
fn weight(t: Taps, i: u32) -> f32 {
  return select(0.0, 1.0 - t.weight, t.first == i) + select(0.0, t.weight, t.second == i);
}`
}
${entry('i', 'p.count')}
  let c = i % p.channels;
  let px = (i / p.channels) % ${forward ? 'p.outWidth' : 'p.inWidth'};
  let rest = i / p.channels / ${forward ? 'p.outWidth' : 'p.inWidth'};
  let py = rest % ${forward ? 'p.outHeight' : 'p.inHeight'};
  let n = rest / ${forward ? 'p.outHeight' : 'p.inHeight'};
  ${
    forward
      ? `let down = taps(py, p.stepY, p.inHeight);
  let right = taps(px, p.stepX, p.inWidth);
  let above = (n * p.inHeight + down.first) * p.inWidth;
  ${
    mode === 'nearest'
      ? 'y[i] = x[(above + right.first) * p.channels + c];'
      : `let below = (n * p.inHeight + down.second) * p.inWidth;
  let top = (1.0 - right.weight) * f32(x[(above + right.first) * p.channels + c]) + right.weight * f32(x[(above + right.second) * p.channels + c]);
  let bottom = (1.0 - right.weight) * f32(x[(below + right.first) * p.channels + c]) + right.weight * f32(x[(below + right.second) * p.channels + c]);
  y[i] = ${dtype}((1.0 - down.weight) * top + down.weight * bottom);`
  }`
      : `var sum = 0.0;
  let endY = after(py, p.stepY, p.outHeight);
  let endX = after(px, p.stepX, p.outWidth);
  for (var oy = before(py, p.stepY, p.outHeight); oy < endY; oy++) {
    let high = weight(taps(oy, p.stepY, p.inHeight), py);
    if (high == 0.0) { continue; }
    for (var ox = before(px, p.stepX, p.outWidth); ox < endX; ox++) {
      sum += high * weight(taps(ox, p.stepX, p.inWidth), px) * f32(dy[((n * p.outHeight + oy) * p.outWidth + ox) * p.channels + c]);
    }
  }
  dx[i] = ${dtype}(sum);`
  }
}`;
