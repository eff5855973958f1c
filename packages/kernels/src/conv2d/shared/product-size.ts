import { ceilDiv } from '../../kernel.js';
import type { ProductSize } from '../../product-cost.js';
import { forwardPhase, gradInputPhases } from './axis-phase.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize } from './problem.js';

export function sizeOf(p: Conv2dProblem, direction: Conv2dDirection): ProductSize {
  const [outHeight, outWidth] = conv2dOutputSize(p);
  const [groupIn, groupOut] = [p.inChannels / p.groups, p.outChannels / p.groups];
  const taps = p.kernelHeight * p.kernelWidth;
  if (direction === 'gradWeight')
    return {
      rows: taps * groupIn,
      columns: groupOut,
      depth: p.batch * outHeight * outWidth,
      products: p.groups,
      elements: taps * groupIn * p.outChannels,
      dispatches: 1,
    };
  if (direction === 'forward') {
    const rows = p.batch * forwardPhase(p, 0).count * forwardPhase(p, 1).count;
    return { rows, columns: groupOut, depth: taps * groupIn, products: p.groups, elements: rows * p.outChannels, dispatches: 1 };
  }
  const phases = gradInputPhases(p, 0).length * gradInputPhases(p, 1).length;
  const pixels = p.batch * p.inHeight * p.inWidth;
  return {
    rows: ceilDiv(pixels, phases),
    columns: groupIn,
    depth: ceilDiv(taps * groupOut, phases),
    products: p.groups,
    elements: pixels * p.inChannels,
    dispatches: phases,
  };
}
