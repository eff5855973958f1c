import { fits16 } from '../../kernel.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize } from './problem.js';

/**
 * One axis of a gather: for j < count the `spread` results from `first + j · jump` on, as far as there are any. That at `met` of
 * them is the sum over u < taps of source[j · mul + offset + u · step] · weight[tapFirst + u · tapStep], the others are 0.
 */
export interface AxisPhase {
  readonly first: number;
  readonly jump: number;
  readonly spread: number;
  readonly met: number;
  readonly count: number;
  readonly mul: number;
  readonly offset: number;
  readonly step: number;
  readonly tapFirst: number;
  readonly tapStep: number;
  readonly taps: number;
}

/** The phases of an axis: one, but for input gradients of strided convolutions. */
export const phasesOf = (p: Conv2dProblem, direction: Conv2dDirection, axis: 0 | 1): readonly AxisPhase[] =>
  direction === 'gradInput' ? gradInputPhases(p, axis) : [forwardPhase(p, axis)];

function forwardPhase(p: Conv2dProblem, axis: 0 | 1): AxisPhase {
  const count = conv2dOutputSize(p)[axis];
  const taps = axis === 0 ? p.kernelHeight : p.kernelWidth;
  const results = { first: 0, jump: 1, spread: 1, met: 0, count };
  return { ...results, mul: p.stride[axis], offset: -p.padding[axis], step: p.dilation[axis], tapFirst: 0, tapStep: 1, taps };
}

/**
 * The input gradient of a strided convolution falls apart into `stride` phases: inputs that differ by a multiple of
 * the stride meet the same taps, and only every stride-th tap (less when stride and dilation share a factor) meets
 * them at all. Inputs that no tap meets have a gradient of 0, which the phase before them stores beside its own (the first
 * phase also those before it): all of a 1×1 kernel is one phase.
 */
function gradInputPhases(p: Conv2dProblem, axis: 0 | 1): AxisPhase[] {
  const size = axis === 0 ? p.inHeight : p.inWidth;
  const kernel = axis === 0 ? p.kernelHeight : p.kernelWidth;
  const [stride, padding, dilation] = [p.stride[axis], p.padding[axis], p.dilation[axis]];
  const shared = greatestCommonDivisor(stride, dilation);
  const tapStep = stride / shared;
  const all = Array.from({ length: Math.min(stride, size) }, (_, first) => {
    let tapFirst = 0;
    while (tapFirst < Math.min(tapStep, kernel) && (first + padding - tapFirst * dilation) % stride !== 0) tapFirst++;
    const none = tapFirst >= Math.min(tapStep, kernel);
    return {
      first,
      jump: stride,
      mul: 1,
      offset: none ? 0 : (first + padding - tapFirst * dilation) / stride,
      step: -dilation / shared,
      tapFirst: none ? 0 : tapFirst,
      tapStep,
      taps: none ? 0 : Math.ceil((kernel - tapFirst) / tapStep),
    };
  });
  const some = all.filter(({ taps }) => taps > 0);
  const phases = some.length > 0 ? some : all.slice(0, 1);
  return phases.map((phase, i) => {
    const first = i === 0 ? 0 : phase.first;
    const end = phases[i + 1]?.first ?? all.length;
    return { ...phase, first, spread: end - first, met: phase.first - first, count: Math.ceil((size - first) / stride) };
  });
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** More phases than this (an input gradient of stride and kernel 5 or more) are not worth their dispatches: the direct kernel does it. */
const maxPhases = 16;

/** Whether a product takes no more dispatches than it is worth. */
export const fewPhases = (p: Conv2dProblem, direction: Conv2dDirection): boolean =>
  phasesOf(p, direction, 0).length * phasesOf(p, direction, 1).length <= maxPhases;

/** Whether the sizes fit the packed scalars and the input gradient is worth its dispatches. */
export function gemmTakes(p: Conv2dProblem, direction: Conv2dDirection): boolean {
  const sizes = [p.inHeight, p.inWidth, ...conv2dOutputSize(p), p.kernelHeight, p.kernelWidth];
  const padded = [p.inHeight + 2 * p.padding[0], p.inWidth + 2 * p.padding[1]];
  if (!fits16([...sizes, ...padded, ...p.stride, ...p.dilation])) return false;
  const phases = [...phasesOf(p, direction, 0), ...phasesOf(p, direction, 1)];
  return fewPhases(p, direction) && phases.every((axis) => fits16([axis.offset, axis.step]) && axis.tapFirst < 256 && axis.jump < 256);
}
