import { entry, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { Lines } from './lines.js';

const width = 32;

/**
 * Product along a dimension, in f32. Slots: x → y [outer, inner]. A workgroup a line: each invocation multiplies every 32nd element,
 * the first then all products, in order.
 */
export function planProduct({ outer, length, inner, dtype }: Lines & { readonly dtype: 'f32' | 'f16' }, target: Target): Plan {
  return planSingle('product-along', target, {
    family: 'product-along',
    about: `x lies [outer][length][inner]; a workgroup owns one outer and inner, an invocation every 32nd element.
Barrier: all products are written before the first invocation multiplies them.`,
    key: { dtype },
    bindings: [read('x', dtype), readWrite('y', dtype)],
    scalars: u32s({ count: outer * inner, length, inner }),
    bake: 'shared',
    workgroups: grid(outer * inner, target, { together: true }),
    code: ({ dtype }) => `
var<workgroup> part: array<f32, ${width}>;
${entry('line', 'p.count', { together: true, threads: width })}
  let base = line / p.inner * p.length * p.inner + line % p.inner;
  var product = 1.0;
  for (var k = lane; k < p.length; k += ${width}u) { product *= f32(x[base + k * p.inner]); }
  part[lane] = product;
  // All products are there before the first invocation reads them.
  workgroupBarrier();
  if (lane != 0u) { return; }
  for (var k = 1u; k < ${width}u; k++) { product *= part[k]; }
  y[line] = ${dtype}(product);
}`,
  });
}
