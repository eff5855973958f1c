import { fits16 } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { fewPhases, phasesOf } from '../shared/axis-phase.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize } from '../shared/problem.js';
import { planSoftwareDepthwise, softwareDepthwiseTakes } from './depthwise.wgsl.js';
import { planSoftwareGather } from './gather.wgsl.js';
import { planSoftwareGradWeight } from './grad-weight.wgsl.js';

/** Lines of pixels that the kernels' divisions by multiplication can tell apart (see `quotientFunction`). */
const maxLines = 2 ** 22;

/** Whether the dense kernels for CPU drivers do this product: sizes that fit their packed scalars. */
function denseTakes(p: Conv2dProblem, direction: Conv2dDirection): boolean {
  if (p.groups > 1) return false;
  const [outHeight, outWidth] = conv2dOutputSize(p);
  const phases = [...phasesOf(p, direction, 0), ...phasesOf(p, direction, 1)];
  const sizes = [p.inHeight + 2 * p.padding[0], p.inWidth + 2 * p.padding[1], outHeight, outWidth, ...p.dilation];
  const small = [p.kernelHeight, p.kernelWidth, ...p.stride];
  return (
    fits16([...sizes, ...phases.map((phase) => phase.offset)]) &&
    small.every((v) => v < 256) &&
    fewPhases(p, direction) &&
    p.batch * Math.max(outHeight, p.inHeight) < maxLines
  );
}

/**
 * A convolution's product on a driver that runs on the CPU; undefined where these kernels do not do it.
 * Slots: `forward` x, weight, bias? → y; `gradInput` dy, weight → dx; `gradWeight` x, dy → dw.
 */
export function planSoftwareConv2d(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Conv2dPlan | undefined {
  if (direction !== 'gradWeight' && softwareDepthwiseTakes(problem)) return planSoftwareDepthwise(problem, direction, target);
  if (!denseTakes(problem, direction)) return undefined;
  return direction === 'gradWeight' ? planSoftwareGradWeight(problem, target) : planSoftwareGather(problem, direction, target);
}
