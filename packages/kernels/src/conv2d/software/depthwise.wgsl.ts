import { alongAxes, ceilDiv, dispatch, f32, grid, heightWidth, read, readWrite, s16, u32, u32s } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { range, unrolled } from '../../range.js';
import { sharedLoads, subgroupSize } from '../../software-lanes.js';
import { depthwiseVector, isDepthwise } from '../depthwise/depthwise.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { packFilters } from '../shared/pack.wgsl.js';
import { biasOf, type Conv2dProblem, conv2dFlops, conv2dOutputSize, type ImageDirection, imagesOf } from '../shared/problem.js';
import { stripMain, stripWorkgroup } from './strip.wgsl.js';

const widestKernel = 7;
/** Lines of pixels that the divisions by multiplication can tell apart (see `quotientFunction`). */
const maxLines = 2 ** 22;

/** Whether the kernel takes this product: whole vectors of channels, stride and dilation 1. */
export const softwareDepthwiseTakes = (p: Conv2dProblem): boolean =>
  isDepthwise(p) &&
  depthwiseVector(p) &&
  [...p.stride, ...p.dilation].every((v) => v === 1) &&
  p.kernelWidth <= widestKernel &&
  p.batch * Math.max(p.inHeight, conv2dOutputSize(p)[0]) < maxLines;

/**
 * Depthwise forward and input gradient with stride 1 for drivers that run on the CPU (see gather for what such a driver
 * is good at): the invocations of a subgroup take strips of one quad of channels, so that they share its filter, and load
 * each pixel of a line once for all taps. Nothing branches: a load skipped costs more there than one of a value not wanted.
 */
export function planSoftwareDepthwise(problem: Conv2dProblem, direction: ImageDirection, target: Target): Conv2dPlan {
  const { dtype, inChannels: channels, kernelHeight, kernelWidth, padding } = problem;
  const forward = direction === 'forward';
  const { source: from, result: to } = imagesOf(problem, direction);
  const [height, width] = to.size;
  const strip = width % 8 === 0 ? 8 : 4;
  const strips = ceilDiv(width, strip);
  const places = problem.batch * height * strips;
  const packing = { forward: true, groups: 1, inner: 1, outer: channels, multiple: 4 } as const;
  const filters = packFilters(problem, packing, { ...target, bake: false });
  const kernel: Kernel = {
    strip,
    columns: kernelWidth,
    flip: !forward,
    bias: biasOf(problem, direction),
    lanes: subgroupSize(target),
    dtype,
  };
  // An input gradient is a product with the filter turned around, from as far outside as the taps reach.
  const pad = forward ? padding : ([kernelHeight - 1 - padding[0], kernelWidth - 1 - padding[1]] as const);
  const multiply = dispatch(target, {
    family: 'conv2d-depthwise-software',
    about: `A depthwise convolution for a CPU: source and result lie NHWC, filters [tap][channel]. An invocation owns a strip of neighbouring pixels
of one quad of channels, and meets all taps of a row with the pixels that it loaded once. No barriers.`,
    key: kernel,
    uses: kernel.lanes > 0 ? ['subgroups'] : [],
    bindings: [
      read('source', `vec4<${dtype}>`),
      read('filters', `vec4<${dtype}>`),
      ...(kernel.bias ? [read('bias', `vec4<${kernel.bias}>`)] : []),
      readWrite('result', `vec4<${dtype}>`),
    ],
    slots: { source: from.slot, result: to.slot },
    scalars: {
      ...heightWidth('source', from.size),
      ...heightWidth('result', to.size),
      ...alongAxes('pad', pad, s16),
      ...u32s({ rows: kernelHeight, quads: channels / 4, strips }),
      perStrip: f32(1 / strips),
      perRow: f32(1 / height),
      places: u32(places),
    },
    bake: 'passed',
    flops: conv2dFlops(problem),
    workgroups: grid(places, target, { threads: stripWorkgroup, layers: channels / 4 }),
    code: source,
  });
  return {
    variant: `conv2d-${direction}-depthwise-software-${strip}`,
    temporaries: [filters.temporary],
    dispatches: [filters.dispatch, multiply],
    pack: filters.pack,
  };
}

/** What the code depends on. */
interface Kernel {
  /** Neighbouring results of a row that one invocation computes. */
  readonly strip: 4 | 8;
  /** Taps of a row. */
  readonly columns: number;
  /** Taps run backwards. */
  readonly flip: boolean;
  /** Type of the bias, where there is one. */
  readonly bias: 'f32' | 'f16' | false;
  /** Invocations of a subgroup; 0 where unknown. */
  readonly lanes: number;
  readonly dtype: 'f32' | 'f16';
}

function source({ strip, columns, flip, bias, lanes, dtype }: Kernel): string {
  const [results, taps] = [range(strip), range(columns)];
  const filter = sharedLoads('w', columns, { size: lanes, read: (i) => `vec4f(filters[(row * ${columns}u + ${i}) * p.quads + wid.z])` });
  return `${stripMain({ strip, lanes, lines: 'p.resultHeight' })}
  // Before the first column it wraps around, and is outside like what lies past the end.
  ${unrolled(strip + columns - 1, '\n  ', (j) => `let sx${j} = jx + ${j}u - p.padX; let in${j} = live && sx${j} < width;`)}
  let start = ${bias ? 'vec4f(bias[wid.z])' : 'vec4f()'};
  ${results.map((i) => `var a${i} = start;`).join(' ')}
  for (var r = 0u; r < p.rows; r++) {
    let sy = jy + r - p.padY;
    let inside = sy < height;
    let row = ${flip ? 'p.rows - 1u - r' : 'r'};
    let begin = (n * height + sy) * width;
    ${filter.load}
    ${taps.map((s) => `let f${s} = ${filter.vector(flip ? columns - 1 - s : s)};`).join(' ')}
    ${unrolled(
      strip + columns - 1,
      '\n    ',
      (j) =>
        `{ let ok = inside && in${j}; let v = select(vec4f(), vec4f(source[select(0u, (begin + sx${j}) * p.quads + wid.z, ok)]), ok); ${taps
          .filter((s) => j - s >= 0 && j - s < strip)
          .map((s) => `a${j - s} = fma(v, f${s}, a${j - s});`)
          .join(' ')} }`,
    )}
  }
  let to = ((n * p.resultHeight + jy) * p.resultWidth + jx) * p.quads + wid.z;
  ${results.map((i) => `if (live && jx + ${i}u < p.resultWidth) { result[to + ${i}u * p.quads] = vec4<${dtype}>(a${i}); }`).join('\n  ')}
}`;
}
