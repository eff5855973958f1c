import { grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { ResizeProblem } from '../resize-problem.js';
import { adaptiveSizes, adaptiveWindows } from './adaptive-windows.wgsl.js';

export type AdaptiveMaxPoolKind = 'max' | 'maxGrad' | 'maxSelect';

/**
 * Windows as in `planAdaptiveAvgPool`. `max`: x → y, index (the window's winner as row · width + column; the first of equals, of NaNs
 * the last, as PyTorch). `maxGrad`: dy, index → dx, gathered in a fixed order. `maxSelect`: x, index → y, what lies at the winners'
 * places (maxGrad's own gradient).
 */
export function planAdaptiveMaxPool(problem: ResizeProblem, kind: AdaptiveMaxPoolKind, target: Target): Plan {
  const { dtype, batch, channels, inHeight, inWidth, outHeight, outWidth } = problem;
  const grad = kind === 'maxGrad';
  const count = batch * channels * (grad ? inHeight * inWidth : outHeight * outWidth);
  const bindings = {
    max: [read('x', dtype), readWrite('y', dtype), readWrite('index', 'u32')],
    maxGrad: [read('dy', dtype), read('index', 'u32'), readWrite('dx', dtype)],
    maxSelect: [read('x', dtype), read('index', 'u32'), readWrite('y', dtype)],
  }[kind];
  return planSingle(`adaptive-pool-${kind}-${dtype}`, target, {
    family: 'adaptive-max-pool',
    about: `All lie NHWC; index holds the place of each maximum in its image. An invocation owns one element of the result and walks through the
window that meets it. No barriers.`,
    key: { kind, dtype },
    bindings,
    scalars: { ...u32s({ count, channels }), ...adaptiveSizes(problem, !grad) },
    workgroups: grid(count, target),
    code: (key) => `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
${adaptiveWindows}
  ${bodies[key.kind](key.dtype)}
}`,
  });
}

const walk = (visit: string): string => `for (var fy = y0; fy < y1; fy++) {
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
