import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { AdaptivePoolProblem } from './adaptive-avg-pool.js';

export type AdaptiveMaxPoolKind = 'max' | 'maxGrad' | 'maxSelect';

/**
 * Windows as in `planAdaptiveAvgPool`. `max`: x → y, index (the window's winner as row · width + column; the first of equals, of NaNs
 * the last, as PyTorch). `maxGrad`: dy, index → dx, gathered in a fixed order. `maxSelect`: x, index → y, what lies at the winners'
 * places (maxGrad's own gradient).
 */
export function planAdaptiveMaxPool(problem: AdaptivePoolProblem, kind: AdaptiveMaxPoolKind, target: Target): Plan {
  const { dtype, batch, channels, inHeight, inWidth, outHeight, outWidth } = problem;
  const grad = kind === 'maxGrad';
  const count = batch * channels * (grad ? inHeight * inWidth : outHeight * outWidth);
  const bindings = {
    max: [read('x', dtype), readWrite('y', dtype), readWrite('index', 'u32')],
    maxGrad: [read('dy', dtype), read('index', 'u32'), readWrite('dx', dtype)],
    maxSelect: [read('x', dtype), read('index', 'u32'), readWrite('y', dtype)],
  }[kind];
  // The kernel walks `far` positions for each of its own.
  const [own, far] = grad
    ? [
        [inHeight, inWidth],
        [outHeight, outWidth],
      ]
    : [
        [outHeight, outWidth],
        [inHeight, inWidth],
      ];
  const made = dispatch(target, {
    family: 'adaptive-max-pool',
    about: `All lie NHWC; index holds the place of each maximum in its image. An invocation owns one element of the result and walks through the
window that meets it. No barriers.`,
    key: { kind, dtype },
    bindings,
    scalars: {
      count: u32(count),
      channels: u32(channels),
      ownHeight: u32(own[0] as number),
      ownWidth: u32(own[1] as number),
      farHeight: u32(far[0] as number),
      farWidth: u32(far[1] as number),
    },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: (key) => `
fn first(i: u32, own: u32, far: u32) -> u32 { return i * far / own; }
fn end(i: u32, own: u32, far: u32) -> u32 { return ((i + 1u) * far + own - 1u) / own; }
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let c = i % p.channels;
  let ox = (i / p.channels) % p.ownWidth;
  let oy = (i / (p.channels * p.ownWidth)) % p.ownHeight;
  let n = i / (p.channels * p.ownWidth * p.ownHeight);
  ${bodies[key.kind](key.dtype)}
}`,
  });
  return { variant: `adaptive-pool-${kind}-${dtype}`, temporaries: [], dispatches: [made] };
}

const walk = (visit: string): string => `let x0 = first(ox, p.ownWidth, p.farWidth);
  let x1 = end(ox, p.ownWidth, p.farWidth);
  let y0 = first(oy, p.ownHeight, p.farHeight);
  let y1 = end(oy, p.ownHeight, p.farHeight);
  for (var fy = y0; fy < y1; fy++) {
    for (var fx = x0; fx < x1; fx++) {
      let at = ((n * p.farHeight + fy) * p.farWidth + fx) * p.channels + c;
      ${visit}
    }
  }`;

const bodies: Readonly<Record<AdaptiveMaxPoolKind, (dtype: 'f32' | 'f16') => string>> = {
  max: (dtype) => `var acc = 0.0;
  var best = 0xffffffffu;
  ${walk(`let v = f32(x[at]);
      if (best == 0xffffffffu || isNan(v) || (v > acc && !isNan(acc))) { acc = v; best = fy * p.farWidth + fx; }`)}
  y[i] = ${dtype}(acc);
  index[i] = best;`,
  maxGrad: (dtype) => `var acc = 0.0;
  ${walk('if (index[at] == oy * p.ownWidth + ox) { acc += f32(dy[at]); }')}
  dx[i] = ${dtype}(acc);`,
  maxSelect: () => 'y[i] = x[(n * p.farHeight * p.farWidth + index[i]) * p.channels + c];',
};
