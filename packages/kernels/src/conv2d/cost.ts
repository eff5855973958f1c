import { ceilDiv } from '../kernel.js';
import { busyThreads, byteCost, dispatchCost, processors } from '../product-cost.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dFlops, type ImageDirection } from './shared/problem.js';
import { sizeOf } from './shared/product-size.js';

/** What one multiply-add of the direct kernel costs: two loads each. */
const directCost = 10;

/** What the direct kernel costs. */
export function directKernelCost(problem: Conv2dProblem, direction: Conv2dDirection): number {
  const { elements, depth } = sizeOf(problem, direction);
  const work = (conv2dFlops(problem) / 2) * directCost;
  // One long loop an element: few elements leave the machine idle (a weight gradient cuts its pixels into 64 parts).
  const invocations = direction === 'gradWeight' ? elements * Math.min(64, ceilDiv(depth, 256)) : elements;
  return work / Math.min(processors, Math.max(1, invocations / busyThreads));
}

/** What an epilogue saves: the dispatches of a chain and of sums, and results stored once and read twice. */
export const epilogueSaves = (problem: Conv2dProblem, direction: Conv2dDirection): number =>
  2 * dispatchCost + sizeOf(problem, direction).elements * 12 * byteCost;

/** What the window kernel costs: loads from workgroup memory are few, those from memory bring each pixel once and its margin. */
export function windowCost(problem: Conv2dProblem, direction: ImageDirection): number {
  const { rows, columns, depth, elements } = sizeOf(problem, direction);
  const blocks = rows / 256;
  const source = rows * (depth / (problem.kernelHeight * problem.kernelWidth)) * 4 * 1.4;
  const perProcessor = ceilDiv(blocks, processors) * 256 * columns * depth * 1.2;
  const busy = Math.min(1, ((blocks / processors) * 64 * ceilDiv(columns, 16)) / busyThreads);
  return perProcessor / Math.max(busy, 0.1) + (source + elements * 4) * byteCost * 0.5;
}
