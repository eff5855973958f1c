import { ceilDiv } from '../../kernel.js';
import type { ProductSize } from '../../product-cost.js';
import { type AxisPhase, phasesOf } from './axis-phase.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize, imagesOf } from './problem.js';

const countOf = (phases: readonly AxisPhase[]): number => phases.reduce((sum, { count }) => sum + count, 0);

/** What the cost of a product is told of it. */
export function sizeOf(p: Conv2dProblem, direction: Conv2dDirection): ProductSize {
  const taps = p.kernelHeight * p.kernelWidth;
  if (direction === 'gradWeight') {
    const [height, width] = conv2dOutputSize(p);
    const rows = (taps * p.inChannels) / p.groups;
    return {
      rows,
      columns: p.outChannels / p.groups,
      depth: p.batch * height * width,
      products: p.groups,
      elements: rows * p.outChannels,
      dispatches: 1,
    };
  }
  const { result, inner, outer } = imagesOf(p, direction);
  const [ys, xs] = [phasesOf(p, direction, 0), phasesOf(p, direction, 1)];
  const phases = ys.length * xs.length;
  const pixels = p.batch * result.size[0] * result.size[1];
  return {
    rows: ceilDiv(p.batch * countOf(ys) * countOf(xs), phases),
    columns: outer,
    depth: ceilDiv(taps * inner, phases),
    products: p.groups,
    elements: pixels * result.channels,
    dispatches: phases,
  };
}
