import { alongAxes, dispatch, heightWidth, linearGroups, read, readWrite, rolls, s16, u32, u32s } from '../../kernel.js';
import type { Target } from '../../plan.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Epilogue, epilogueAbout, epilogueBindings, epilogueSlots, epilogueText, storedType } from '../shared/epilogue.js';
import { packFilters } from '../shared/pack.wgsl.js';
import { biasOf, type Conv2dProblem, type ImageDirection, imagesOf } from '../shared/problem.js';
import {
  channelChunk,
  outputsEach,
  pixelsEach,
  type WindowCode,
  type WindowTile,
  windowCode,
  windowMemory,
  windowThreads,
  windowTile,
} from './window.wgsl.js';

/** Pixels of a tile: as many as a tall tile of the matrix products has rows. */
const wantedPixels = 256;
/** More output channels than this, and the matrix products' reuse is as good. */
const mostOutputs = 32;

/** The tile for an image, where one divides it: its pixels are then the rows of a part, for an epilogue's sums. */
function tileOf([height, width]: readonly [number, number]): WindowTile | undefined {
  const across = [32, 16, 8].find((side) => width % side === 0);
  if (across === undefined) return undefined;
  const down = [32, 16, 8, 4].find((side) => height % side === 0 && side * across <= wantedPixels);
  return down === undefined ? undefined : windowTile({ height: down, width: across });
}

/** What the kernel does with a problem; undefined where it cannot take it, or its workgroup memory is too small. */
function windowOf(problem: Conv2dProblem, direction: ImageDirection, target: Target): WindowCode | undefined {
  const { kernelHeight, kernelWidth, stride, dilation, groups } = problem;
  const { result, inner, outer } = imagesOf(problem, direction);
  const tile = tileOf(result.size);
  const plain = groups === 1 && [...stride, ...dilation].every((v) => v === 1) && kernelHeight * kernelWidth > 1;
  if (!tile || !plain || kernelHeight > 5 || kernelWidth > 5) return undefined;
  if (inner % channelChunk !== 0 || outer % outputsEach !== 0 || outer > mostOutputs) return undefined;
  const code: WindowCode = {
    tile,
    kernel: [kernelHeight, kernelWidth],
    outer,
    flip: direction === 'gradInput',
    dtype: problem.dtype,
    stored: problem.dtype,
    bias: biasOf(problem, direction),
    epilogue: {},
    rolled: rolls(target),
  };
  const fits = windowMemory(code) <= target.maxWorkgroupStorage && windowThreads(code) <= target.maxInvocations;
  return fits ? code : undefined;
}

/** Whether the window kernel can do this product here. */
export const windowTakes = (problem: Conv2dProblem, direction: ImageDirection, target: Target): boolean =>
  windowOf(problem, direction, target) !== undefined;

/**
 * Forward or input gradient of a convolution with few channels (stride and dilation 1). A workgroup keeps a rectangle of
 * pixels with its margin in workgroup memory and meets all taps there: where a matrix product reads every pixel once a tap,
 * this reads it once. See `windowCode`.
 */
export function planWindow(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { target, epilogue = {} }: { target: Target; epilogue?: Epilogue | undefined },
): Conv2dPlan {
  const found = windowOf(problem, direction, target);
  if (!found) throw new Error('conv2d: the window kernel does not take this problem');
  const code: WindowCode = { ...found, epilogue, stored: storedType(problem, epilogue) };
  const { tile } = code;
  const { dtype, batch, kernelHeight, kernelWidth, padding } = problem;
  const forward = direction === 'forward';
  const { source, result, inner, outer } = imagesOf(problem, direction);
  const filters = packFilters(problem, { forward, groups: 1, inner, outer, multiple: 4 }, target);
  const [height, width] = result.size;
  const blocks = (batch * height * width) / (tile.height * tile.width);
  const multiply = dispatch(target, {
    family: `conv2d-${direction}-window`,
    key: code,
    show: { tile: ({ height, width }) => `${height}x${width}`, kernel: (sides) => sides.join('x'), epilogue: epilogueText },
    about: `A convolution of stride 1 with few channels: a workgroup owns a rectangle of result pixels (the tile) and all result channels.
source and result lie NHWC; filters lie [tap][source channel][result channel].
pixels holds one chunk of source channels [quad of channels][row][column], with the margin that taps need; weights [tap][channel][quad of outputs].
An invocation owns 4 pixels of a column and 16 outputs. Barriers: both are complete before they are read, and read before the next chunk overwrites them.
${epilogueAbout(epilogue)}`,
    bindings: [
      read('source', `vec4<${dtype}>`),
      read('filters', `vec4<${dtype}>`),
      ...(code.bias ? [read('bias', code.bias)] : []),
      readWrite('result', `vec4<${code.stored}>`),
      ...epilogueBindings(problem, epilogue),
    ],
    slots: { source: source.slot, result: result.slot, ...epilogueSlots(epilogue) },
    scalars: {
      ...heightWidth('source', source.size, u32),
      ...u32s({ height, width, inner, batch }),
      // Where the window of result 0 begins; below 0 it wraps around, and is outside like what lies past the end.
      ...alongAxes('begin', forward ? [-padding[0], -padding[1]] : [padding[0] + 1 - kernelHeight, padding[1] + 1 - kernelWidth], s16),
    },
    flops: 2 * batch * height * width * outer * inner * kernelHeight * kernelWidth,
    workgroups: linearGroups(blocks, target),
    code: windowCode,
  });
  return {
    variant: `conv2d-${direction}-window-${tile.height}x${tile.width}-${pixelsEach}x${outputsEach}`,
    temporaries: [filters.temporary],
    dispatches: [filters.dispatch, multiply],
    pack: filters.pack,
    ...(epilogue.sums ? { parts: { count: blocks, rows: tile.height * tile.width } } : {}),
  };
}
