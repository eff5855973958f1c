import { alongAxes, ceilDiv, dispatch, fits16, heightWidth, linearGroups, read, readWrite, type Scalars, u32, u32s } from '../../kernel.js';
import type { Target } from '../../plan.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Epilogue, epilogueAbout, epilogueBindings, epilogueSlots, epilogueText, storedType } from '../shared/epilogue.js';
import { packFilters } from '../shared/pack.wgsl.js';
import { biasOf, type Conv2dProblem, conv2dFlops, conv2dOutputSize, type ImageDirection, imagesOf } from '../shared/problem.js';
import { type DepthwiseCode, depthwiseCode, depthwisePartCode, flatThreads, partThreads, strip } from './depthwise.wgsl.js';

/**
 * Pairs of sums that the parts of an epilogue come to, about. The first choice is as many as a norm's kernel joins by itself:
 * 256 to 1,024 workgroups, a wave or two on a large GPU.
 */
export const depthwisePairs = [16384, 65536, 4096] as const;

/** Whether every input channel is a group of its own (with any number of output channels). */
export const isDepthwise = (p: Conv2dProblem): boolean =>
  p.groups > 1 &&
  p.groups === p.inChannels &&
  fits16([p.inHeight, p.inWidth, ...conv2dOutputSize(p), p.kernelHeight, p.kernelWidth, ...p.stride, ...p.padding, ...p.dilation]);

/** Channels in vectors of four: one output channel per input channel, whole quads. */
export const depthwiseVector = (p: Conv2dProblem): boolean => p.inChannels === p.outChannels && p.inChannels % 4 === 0;

/** What every depthwise kernel is passed of a problem, with its number of lanes (quads of channels, or channels). */
export const depthwiseScalars = (p: Conv2dProblem, lanes: number): Scalars => ({
  ...u32s({ lanes, multiplier: p.outChannels / p.inChannels }),
  ...heightWidth('kernel', [p.kernelHeight, p.kernelWidth]),
  ...alongAxes('stride', p.stride),
  ...alongAxes('padding', p.padding),
  ...alongAxes('dilation', p.dilation),
});

/** Whether a depthwise product can go on with its results: whole vectors, whole strips. */
export const depthwiseTakesEpilogue = (p: Conv2dProblem, direction: ImageDirection): boolean =>
  depthwiseVector(p) && imagesOf(p, direction).result.size[1] % strip === 0;

/**
 * Depthwise forward and input gradient. An invocation computes a strip of pixels of one quad of channels (of one
 * channel, where channels are odd or multiplied); invocations side by side are channels side by side, so that loads
 * coalesce. The filter is turned to [tap][output channel] first, for the same reason.
 */
export function planDepthwise(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { target, epilogue, pairs = depthwisePairs[0] }: { target: Target; epilogue?: Epilogue | undefined; pairs?: number },
): Conv2dPlan {
  const { dtype } = problem;
  const { source, result } = imagesOf(problem, direction);
  const vector = depthwiseVector(problem);
  const bias = biasOf(problem, direction);
  const lanes = result.channels / (vector ? 4 : 1);
  const strips = problem.batch * result.size[0] * ceilDiv(result.size[1], strip);
  const split = epilogue && partsOf(strips, lanes, pairs);
  const count = split ? strips : strips * lanes;
  const stored = storedType(problem, epilogue);
  const element = (type: string): string => (vector ? `vec4<${type}>` : type);
  const packing = { forward: true, groups: 1, inner: 1, outer: problem.outChannels, multiple: vector ? 4 : 1 } as const;
  const filters = packFilters(problem, packing, target);
  const code: DepthwiseCode = { forward: direction === 'forward', vector, bias, dtype };
  const multiply = dispatch(target, {
    family: `conv2d-${direction}-depthwise`,
    key: { ...code, part: epilogue && split ? { epilogue, stored, threadsN: split.threadsN } : undefined },
    show: { part: (part) => (part ? `n${part.threadsN} ${part.stored} ${epilogueText(part.epilogue)}` : '') },
    about: `A depthwise convolution: an invocation owns a strip of 4 neighbouring result pixels of one quad of channels (of one channel where they are no quads).
source and result lie NHWC; filters lie [tap][result channel]. Invocations side by side own channels side by side. Barriers: only where sums of a part are joined.
${epilogueAbout(epilogue ?? {})}`,
    bindings: [
      read('source', element(dtype)),
      read('filters', element(dtype)),
      ...(bias ? [read('bias', element(bias))] : []),
      readWrite('result', element(stored)),
      ...(epilogue ? epilogueBindings(problem, epilogue) : []),
    ],
    slots: { source: source.slot, result: result.slot, ...epilogueSlots(epilogue ?? {}) },
    bake: 'shared',
    scalars: {
      ...heightWidth('source', source.size),
      ...heightWidth('result', result.size),
      ...depthwiseScalars(problem, lanes),
      count: u32(count),
      ...(split ? u32s({ parts: split.parts, each: split.each }) : {}),
    },
    flops: conv2dFlops(problem),
    workgroups: linearGroups(split ? split.parts * (lanes / split.threadsN) : ceilDiv(count, flatThreads), target),
    code: ({ part, ...code }) => (part ? depthwisePartCode({ ...code, ...part }) : depthwiseCode(code)),
  });
  return {
    variant: `conv2d-${direction}-depthwise${vector ? '-v4' : ''}${split ? `-parts${split.parts}` : ''}`,
    temporaries: [filters.temporary],
    dispatches: [filters.dispatch, multiply],
    ...(vector ? { pack: filters.pack } : {}),
    ...(split ? { parts: { count: split.parts, rows: split.each * strip } } : {}),
  };
}

/** How the strips of `lanes` quads of channels fall to workgroups: quads of each, number of parts, strips of a part. */
function partsOf(strips: number, lanes: number, pairs: number): { threadsN: number; parts: number; each: number } {
  // 16 quads are a line of 256 bytes; fewer where they would not divide the channels.
  const threadsN = [16, 8, 4, 2, 1].find((n) => lanes % n === 0) as number;
  const turn = partThreads / threadsN;
  const wanted = Math.max(1, Math.floor(pairs / (lanes * 4)));
  const each = ceilDiv(ceilDiv(strips, wanted), turn) * turn;
  return { threadsN, parts: ceilDiv(strips, each), each };
}
