import { entry, grid, heightWidth, planSingle, u32, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { ResizeProblem } from '../resize-problem.js';
import { type PoolKind, poolBindings } from './pool.js';

/** What a plan is called, as runs recorded it. */
const variants: Readonly<Record<PoolKind, string>> = {
  avg: 'adaptive-avg-pool-forward',
  avgGrad: 'adaptive-avg-pool-grad',
  max: 'adaptive-pool-max',
  maxGrad: 'adaptive-pool-maxGrad',
  maxSelect: 'adaptive-pool-maxSelect',
};

/**
 * As `planPool`, of windows that may overlap: output o of `out` covers the inputs from ⌊o · in / out⌋ up to, not including,
 * ⌈(o + 1) · in / out⌉ (PyTorch's rule). A gradient gathers in a fixed order: input i lies in the outputs from ⌊i · out / in⌋ up to
 * ⌈(i + 1) · out / in⌉.
 */
export function planAdaptivePool(problem: ResizeProblem, kind: PoolKind, target: Target): Plan {
  const { dtype, batch, channels, inHeight, inWidth, outHeight, outWidth } = problem;
  const [input, output] = [[inHeight, inWidth] as const, [outHeight, outWidth] as const];
  // A kernel walks through `far` positions for each of its own.
  const [own, far] = kind.endsWith('Grad') ? [input, output] : [output, input];
  const count = batch * channels * own[0] * own[1];
  return planSingle(`${variants[kind]}-${dtype}`, target, {
    family: 'adaptive-pool',
    about: `All lie NHWC; index holds the place of each maximum in its image. An invocation owns one element of the result and walks through the
window that meets it. No barriers.`,
    key: { kind, dtype },
    bindings: poolBindings(kind, dtype, false),
    scalars: { ...u32s({ count, channels }), ...heightWidth('own', own, u32), ...heightWidth('far', far, u32) },
    workgroups: grid(count, target),
    code: ({ kind, dtype }) => `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn first(i: u32, own: u32, far: u32) -> u32 { return i * far / own; }
fn end(i: u32, own: u32, far: u32) -> u32 { return ((i + 1u) * far + own - 1u) / own; }

${entry('i', 'p.count')}
  let c = i % p.channels;
  let ox = (i / p.channels) % p.ownWidth;
  let oy = (i / (p.channels * p.ownWidth)) % p.ownHeight;
  let n = i / (p.channels * p.ownWidth * p.ownHeight);
  let x0 = first(ox, p.ownWidth, p.farWidth);
  let x1 = end(ox, p.ownWidth, p.farWidth);
  let y0 = first(oy, p.ownHeight, p.farHeight);
  let y1 = end(oy, p.ownHeight, p.farHeight);
  ${bodies[kind](dtype)}
}`,
  });
}

const walk = (visit: string): string => `for (var fy = y0; fy < y1; fy++) {
    for (var fx = x0; fx < x1; fx++) {
      let at = ((n * p.farHeight + fy) * p.farWidth + fx) * p.channels + c;
      ${visit}
    }
  }`;

const bodies: Readonly<Record<PoolKind, (dtype: 'f32' | 'f16') => string>> = {
  avg: (dtype) => `var acc = 0.0;
  ${walk('acc += f32(x[at]);')}
  y[i] = ${dtype}(acc / f32((y1 - y0) * (x1 - x0)));`,
  avgGrad: (dtype) => `var acc = 0.0;
  ${walk(`let height = end(fy, p.farHeight, p.ownHeight) - first(fy, p.farHeight, p.ownHeight);
      let width = end(fx, p.farWidth, p.ownWidth) - first(fx, p.farWidth, p.ownWidth);
      acc += f32(dy[at]) / f32(height * width);`)}
  dx[i] = ${dtype}(acc);`,
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
