import { grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import type { ResizeProblem } from '../resize-problem.js';
import { adaptiveSizes, adaptiveWindows } from './adaptive-windows.wgsl.js';

/**
 * Output o of `out` covers the inputs from ⌊o · in / out⌋ up to, not including, ⌈(o + 1) · in / out⌉ (PyTorch's
 * rule; windows may overlap). `forward`: x → y. `grad`: dy → dx, gathered in a fixed order: input i lies in the outputs
 * from ⌊i · out / in⌋ up to ⌈(i + 1) · out / in⌉.
 */
export function planAdaptiveAvgPool(problem: ResizeProblem, kind: 'forward' | 'grad', target: Target): Plan {
  const { dtype, batch, channels, inHeight, inWidth, outHeight, outWidth } = problem;
  const forward = kind === 'forward';
  const [from, to] = forward ? ['x', 'y'] : ['dy', 'dx'];
  const count = batch * channels * (forward ? outHeight * outWidth : inHeight * inWidth);
  return planSingle(`adaptive-avg-pool-${kind}-${dtype}`, target, {
    family: 'adaptive-avg-pool',
    about: 'Both lie NHWC. An invocation owns one element of the result and walks through the window that meets it. No barriers.',
    key: { forward, dtype },
    bindings: [read(from, dtype), readWrite(to, dtype)],
    scalars: { ...u32s({ count, channels }), ...adaptiveSizes(problem, forward) },
    workgroups: grid(count, target),
    code: ({ forward, dtype }) => {
      const [from, to] = forward ? ['x', 'y'] : ['dy', 'dx'];
      return `
${adaptiveWindows}
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
}
