import { dispatch, linearGroups, read, readWrite, type Scalars, u32, signedAlongAxes } from '../../kernel.js';
import type { Target } from '../../plan.js';
import type { Conv2dPlan, FilterPack } from '../shared/conv2d-plan.js';
import { type Epilogue, epilogueBindings, epilogueName, storedType } from '../shared/epilogue.js';
import { packFilters } from '../shared/pack.wgsl.js';
import { forwardPhase, gradInputPhases } from '../shared/axis-phase.js';
import { type Conv2dProblem, conv2dOutputSize, weightDtype } from '../shared/problem.js';
import {
  channelChunk,
  outputsEach,
  pixelsEach,
  type WindowCode,
  windowCode,
  type WindowTile,
  windowTile,
  windowMemory,
  windowThreads,
} from './window.wgsl.js';

/** Pixels of a tile: as many as a tall tile of the matrix products has rows. */
const wantedPixels = 256;
/** More output channels than this, and the matrix products' reuse is as good. */
const mostOutputs = 32;

/** The tile for an image, where one divides it: its pixels are then the rows of a part, for an epilogue's sums. */
function tileOf(height: number, width: number): WindowTile | undefined {
  const across = [32, 16, 8].find((side) => width % side === 0);
  if (across === undefined) return undefined;
  const down = [32, 16, 8, 4].find((side) => height % side === 0 && side * across <= wantedPixels);
  return down === undefined ? undefined : windowTile({ height: down, width: across });
}

/** What the kernel does with a problem; undefined where it cannot take it, or its workgroup memory is too small. */
function windowOf(problem: Conv2dProblem, direction: 'forward' | 'gradInput', target: Target): WindowCode | undefined {
  const { kernelHeight, kernelWidth, stride, dilation, groups } = problem;
  const forward = direction === 'forward';
  const [inner, outer] = forward ? [problem.inChannels, problem.outChannels] : [problem.outChannels, problem.inChannels];
  const result = forward ? conv2dOutputSize(problem) : ([problem.inHeight, problem.inWidth] as const);
  const tile = tileOf(result[0], result[1]);
  const plain = groups === 1 && [...stride, ...dilation].every((v) => v === 1) && kernelHeight * kernelWidth > 1;
  if (!tile || !plain || kernelHeight > 5 || kernelWidth > 5) return undefined;
  if (inner % channelChunk !== 0 || outer % outputsEach !== 0 || outer > mostOutputs) return undefined;
  const code: WindowCode = {
    tile,
    kernel: [kernelHeight, kernelWidth],
    outer,
    flip: !forward,
    dtype: problem.dtype,
    stored: problem.dtype,
    bias: forward && problem.bias && weightDtype(problem),
    epilogue: {},
  };
  const fits = windowMemory(code) <= target.maxWorkgroupStorage && windowThreads(code) <= target.maxInvocations;
  return fits ? code : undefined;
}

/** Whether the window kernel can do this product here. */
export const windowTakes = (problem: Conv2dProblem, direction: 'forward' | 'gradInput', target: Target): boolean =>
  windowOf(problem, direction, target) !== undefined;

/**
 * Forward or input gradient of a convolution with few channels (stride and dilation 1). A workgroup keeps a rectangle of
 * pixels with its margin in workgroup memory and meets all taps there: where a matrix product reads every pixel once a tap,
 * this reads it once. See `windowCode`.
 */
export function planWindow(
  problem: Conv2dProblem,
  direction: 'forward' | 'gradInput',
  { target, epilogue = {} }: { target: Target; epilogue?: Epilogue | undefined },
): Conv2dPlan {
  const found = windowOf(problem, direction, target);
  if (!found) throw new Error('conv2d: the window kernel does not take this problem');
  const code: WindowCode = { ...found, epilogue, stored: storedType(problem, epilogue) };
  const forward = direction === 'forward';
  const { dtype, batch } = problem;
  const inner = forward ? problem.inChannels : problem.outChannels;
  const output = conv2dOutputSize(problem);
  const input: [number, number] = [problem.inHeight, problem.inWidth];
  const [source, result] = forward ? [input, output] : [output, input];
  const taps = problem.kernelHeight * problem.kernelWidth;
  const pack: FilterPack = { forward, taps, inner, outer: code.outer, width: code.outer, packed: taps * inner * code.outer, dtype };
  const begin = (axis: 0 | 1): number => {
    const [phase] = forward ? [forwardPhase(problem, axis)] : gradInputPhases(problem, axis);
    if (!phase) throw new Error('conv2d: a convolution of stride 1 has one phase');
    return Math.min(phase.offset, phase.offset + phase.step * (phase.taps - 1));
  };
  const { tile } = code;
  const scalars: Scalars = {
    sourceHeight: u32(source[0]),
    sourceWidth: u32(source[1]),
    height: u32(result[0]),
    width: u32(result[1]),
    inner: u32(inner),
    batch: u32(batch),
    // Where the window of result 0 begins; below 0 it wraps around, and is outside like what lies past the end.
    ...signedAlongAxes('begin', [begin(0), begin(1)]),
  };
  const shape = `${tile.height}x${tile.width}-${pixelsEach}x${outputsEach}`;
  const blocks = (batch * result[0] * result[1]) / (tile.height * tile.width);
  const multiply = dispatch(target, {
    family: `conv2d-${direction}-window`,
    key: code,
    show: { tile: ({ height, width }) => `${height}x${width}`, kernel: (sides) => sides.join('x'), epilogue: epilogueName },
    about: `A convolution of stride 1 with few channels: a workgroup owns a rectangle of result pixels (the tile) and all result channels.
source and result lie NHWC; filters lie [tap][source channel][result channel].
pixels holds one chunk of source channels [quad of channels][row][column], with the margin that taps need; weights [tap][channel][quad of outputs].
An invocation owns 4 pixels of a column and 16 outputs. Barriers: both are complete before they are read, and read before the next chunk overwrites them.`,
    bindings: [
      read('source', `vec4<${dtype}>`),
      read('filters', `vec4<${dtype}>`),
      ...(code.bias ? [read('bias', code.bias)] : []),
      readWrite('result', `vec4<${code.stored}>`),
      ...epilogueBindings(problem, epilogue),
    ],
    slots: { source: forward ? 'x' : 'dy', result: forward ? 'y' : 'dx' },
    scalars,
    flops: 2 * batch * result[0] * result[1] * code.outer * inner * taps,
    workgroups: linearGroups(blocks, target),
    code: windowCode,
  });
  return {
    variant: `conv2d-${direction}-window-${shape}`,
    temporaries: [{ slot: 'filters', bytes: pack.packed * (dtype === 'f16' ? 2 : 4) }],
    dispatches: [packFilters(problem, { forward, inner, outer: code.outer, packed: pack.packed }, target), multiply],
    pack,
    ...(epilogue.sums ? { parts: { count: blocks, rows: tile.height * tile.width } } : {}),
  };
}
