import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';

/** Average pooling of NHWC images to a given size. */
export interface AdaptivePoolProblem {
  readonly batch: number;
  readonly channels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly dtype: 'f32' | 'f16';
}

/**
 * Output o of `out` covers the inputs from ⌊o · in / out⌋ up to, not including, ⌈(o + 1) · in / out⌉ (PyTorch's
 * rule; windows may overlap). `forward`: x → y. `grad`: dy → dx, gathered in a fixed order: input i lies in the outputs
 * from ⌊i · out / in⌋ up to ⌈(i + 1) · out / in⌉.
 */
export function planAdaptiveAvgPool(problem: AdaptivePoolProblem, kind: 'forward' | 'grad', target: Target): Plan {
  const { dtype, batch, channels, inHeight, inWidth, outHeight, outWidth } = problem;
  const forward = kind === 'forward';
  const [from, to] = forward ? ['x', 'y'] : ['dy', 'dx'];
  const count = batch * channels * (forward ? outHeight * outWidth : inHeight * inWidth);
  const name = `adaptive-avg-pool-${kind}-${dtype}`;
  // The kernel walks `far` positions for each of its own.
  const [ownHeight, ownWidth, farHeight, farWidth] = forward
    ? [outHeight, outWidth, inHeight, inWidth]
    : [inHeight, inWidth, outHeight, outWidth];
  const made = dispatch(target, {
    family: 'adaptive-avg-pool',
    about: 'Both lie NHWC. An invocation owns one element of the result and walks through the window that meets it. No barriers.',
    key: { forward, dtype },
    bindings: [read(from, dtype), readWrite(to, dtype)],
    scalars: {
      count: u32(count),
      channels: u32(channels),
      ownHeight: u32(ownHeight),
      ownWidth: u32(ownWidth),
      farHeight: u32(farHeight),
      farWidth: u32(farWidth),
    },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: ({ forward, dtype }) => {
      const [from, to] = forward ? ['x', 'y'] : ['dy', 'dx'];
      return `
fn first(i: u32, own: u32, far: u32) -> u32 { return i * far / own; }
fn end(i: u32, own: u32, far: u32) -> u32 { return ((i + 1u) * far + own - 1u) / own; }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let c = i % p.channels;
  let ox = (i / p.channels) % p.ownWidth;
  let oy = (i / (p.channels * p.ownWidth)) % p.ownHeight;
  let n = i / (p.channels * p.ownWidth * p.ownHeight);
  let x0 = first(ox, p.ownWidth, p.farWidth);
  let x1 = end(ox, p.ownWidth, p.farWidth);
  let y0 = first(oy, p.ownHeight, p.farHeight);
  let y1 = end(oy, p.ownHeight, p.farHeight);
  var acc = 0.0;
  for (var fy = y0; fy < y1; fy++) {
    for (var fx = x0; fx < x1; fx++) {
      let v = f32(${from}[((n * p.farHeight + fy) * p.farWidth + fx) * p.channels + c]);
      ${
        forward
          ? 'acc += v;'
          : `let size = (end(fy, p.farHeight, p.ownHeight) - first(fy, p.farHeight, p.ownHeight)) * (end(fx, p.farWidth, p.ownWidth) - first(fx, p.farWidth, p.ownWidth));
      acc += v / f32(size);`
      }
    }
  }
  ${to}[i] = ${dtype}(${forward ? 'acc / f32((y1 - y0) * (x1 - x0))' : 'acc'});
}`;
    },
  });
  return { variant: name, temporaries: [], dispatches: [made] };
}
