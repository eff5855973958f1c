import { alongAxes, f32, grid, heightWidth, planSingle, read, readWrite, u32, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { ResizeProblem } from '../resize-problem.js';
import { bicubicWgsl } from './bicubic.wgsl.js';
import { gradBody, position } from './grad.wgsl.js';

/** NHWC images brought to another size. */
export interface ResampleProblem extends ResizeProblem {
  /** Pixels of the input from one of the output to the next: [height, width]. */
  readonly step: readonly [number, number];
  /** `corners`: bilinear with the corners' centres on each other; `bicubicCorners`, too. */
  readonly mode: 'nearest' | 'bilinear' | 'corners' | 'bicubic' | 'bicubicCorners';
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
  return planSingle(`resample-${mode}-${kind}-${dtype}`, target, {
    family: 'resample',
    about: 'Everything lies NHWC. An invocation owns one element of the result. No barriers.',
    key: { mode, forward, dtype },
    bindings: forward ? [read('x', dtype), readWrite('y', dtype)] : [read('dy', dtype), readWrite('dx', dtype)],
    scalars: {
      ...u32s({ count, channels }),
      ...heightWidth('in', [inHeight, inWidth], u32),
      ...heightWidth('out', [outHeight, outWidth], u32),
      ...alongAxes('step', step, f32),
    },
    workgroups: grid(count, target),
    code: (key) =>
      key.mode === 'bicubic' || key.mode === 'bicubicCorners' ? bicubicWgsl({ ...key, corners: key.mode !== 'bicubic' }) : text(key),
  });
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
${forward ? forwardBody(mode, dtype) : part + gradBody(1.5, dtype)}`;

const part = `
fn part(o: u32, step: f32, size: u32, i: u32) -> f32 {
  let t = taps(o, step, size);
  return select(0.0, 1.0 - t.weight, t.first == i) + select(0.0, t.weight, t.second == i);
}`;

const forwardBody = (mode: ResampleProblem['mode'], dtype: 'f32' | 'f16'): string => `${position('out')}
  let down = taps(py, p.stepY, p.inHeight);
  let right = taps(px, p.stepX, p.inWidth);
  let above = (n * p.inHeight + down.first) * p.inWidth;
  ${
    mode === 'nearest'
      ? 'y[i] = x[(above + right.first) * p.channels + c];'
      : `let below = (n * p.inHeight + down.second) * p.inWidth;
  let top = (1.0 - right.weight) * f32(x[(above + right.first) * p.channels + c]) + right.weight * f32(x[(above + right.second) * p.channels + c]);
  let bottom = (1.0 - right.weight) * f32(x[(below + right.first) * p.channels + c]) + right.weight * f32(x[(below + right.second) * p.channels + c]);
  y[i] = ${dtype}((1.0 - down.weight) * top + down.weight * bottom);`
  }
}`;
