import { ceilDiv, dispatch, entry, grid, heightWidth, read, readWrite, u32s } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { range, unrolled } from '../../range.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { joinedGradWeight } from '../shared/join.wgsl.js';
import { type Conv2dProblem, conv2dFlops, conv2dOutputSize } from '../shared/problem.js';
import { depthwiseScalars, depthwiseVector } from './depthwise.js';

/** Taps one invocation sums side by side (a 3×3 filter): each gradient it loads serves them all. */
const mostTaps = 9;
/** Invocations that fill a GPU without making the second pass long, and those that fill a CPU. */
const wanted = { gpu: 32768, software: 512 };
const mostPartialBytes = 64 * 2 ** 20;

/**
 * Depthwise weight gradient. An invocation owns one quad of channels (or one output channel) and up to nine taps and
 * walks through some lines of dy; invocations side by side are channels side by side. A second dispatch adds the parts
 * in order.
 */
export function planDepthwiseGradWeight(problem: Conv2dProblem, target: Target): Conv2dPlan {
  const { dtype, outChannels, batch } = problem;
  const vector = depthwiseVector(problem);
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const taps = problem.kernelHeight * problem.kernelWidth;
  const tapGroups = ceilDiv(taps, mostTaps);
  const each = ceilDiv(taps, tapGroups);
  const lanes = outChannels / (vector ? 4 : 1);
  const lines = batch * outHeight;
  const elements = outChannels * taps;
  const wantedSplits = Math.min(
    ceilDiv(target.software ? wanted.software : wanted.gpu, lanes * tapGroups),
    Math.floor(mostPartialBytes / (elements * 4)),
  );
  const chunk = ceilDiv(lines, Math.max(1, Math.min(lines, wantedSplits)));
  const splits = ceilDiv(lines, chunk);
  const count = lanes * tapGroups * splits;
  // A CPU driver computes what lies side by side in a register: pixels of a line are loaded once for the taps of a row.
  const strips =
    target.software &&
    vector &&
    each === taps &&
    [...problem.stride, ...problem.dilation].every((v) => v === 1) &&
    problem.kernelWidth === 3;
  const element = vector ? `vec4<${dtype}>` : dtype;
  const variant = `conv2d-gradWeight-depthwise-${each}${vector ? '-v4' : ''}-split${splits}`;
  const partial = dispatch(target, {
    family: strips ? 'conv2d-gradWeight-depthwise-strips' : 'conv2d-gradWeight-depthwise',
    key: { each, dtype, vector, strips },
    about: `The gradient of depthwise weights: an invocation owns one quad of channels (or one channel), some taps, and one part of the lines of dy.
x and dy lie NHWC; partials lie [part][tap][channel], and another dispatch adds the parts in order. No barriers.`,
    bindings: [read('x', element), read('dy', element), readWrite('partials', vector ? 'vec4<f32>' : 'f32')],
    bake: 'shared',
    scalars: {
      ...heightWidth('source', [problem.inHeight, problem.inWidth]),
      ...heightWidth('out', [outHeight, outWidth]),
      ...depthwiseScalars(problem, lanes),
      ...u32s({ lines, chunk, count }),
    },
    flops: conv2dFlops(problem),
    workgroups: grid(count, target),
    code: partialCode,
  });
  return joinedGradWeight(problem, { variant, partial, splits }, target);
}

/** The sums of `each` taps; in `strips` of four pixels where taps are rows of three. */
function partialCode({ each, vector, strips }: { each: number; vector: boolean; strips: boolean }): string {
  const real = vector ? 'vec4f' : 'f32';
  const taps = range(each);
  const line = strips ? stripSums(each / 3) : pixelSums(taps, real);
  return `${entry('i', 'p.count')}
  let taps = p.kernelHeight * p.kernelWidth;
  let tapGroups = (taps + ${each - 1}u) / ${each}u;
  let c = i % p.lanes;
  let firstTap = i / p.lanes % tapGroups * ${each}u;
  let split = i / (p.lanes * tapGroups);
  let sourceLanes = p.lanes / p.multiplier;
  let sourceLane = c / p.multiplier;
  ${taps.map((t) => `let dy${t} = (firstTap + ${t}u) / p.kernelWidth * p.dilationY - p.paddingY; let dx${t} = (firstTap + ${t}u) % p.kernelWidth * p.dilationX - p.paddingX; var a${t} = ${real}();`).join('\n  ')}
  for (var line = split * p.chunk; line < min((split + 1u) * p.chunk, p.lines); line++) {
    let n = line / p.outHeight * p.sourceHeight;
    let y = line % p.outHeight * p.strideY;
    ${line}
  }
  ${taps.map((t) => `if (firstTap + ${t}u < taps) { partials[(split * taps + firstTap + ${t}u) * p.lanes + c] = a${t}; }`).join('\n  ')}
}`;
}

/** Nothing branches here either: loads behind branches wait for one another. */
const pixelSums = (taps: readonly number[], real: string): string => `for (var ox = 0u; ox < p.outWidth; ox++) {
      let g = ${real}(dy[(line * p.outWidth + ox) * p.lanes + c]);
      let x0 = ox * p.strideX;
      ${taps.map((t) => `let here${t} = y + dy${t} < p.sourceHeight && x0 + dx${t} < p.sourceWidth; let v${t} = ${real}(x[select(0u, ((n + y + dy${t}) * p.sourceWidth + x0 + dx${t}) * sourceLanes + sourceLane, here${t})]);`).join('\n      ')}
      ${taps.map((t) => `a${t} = select(a${t}, fma(v${t}, g, a${t}), here${t});`).join(' ')}
    }`;

/** Nothing branches: a load skipped costs a CPU more than one of a value not wanted. */
const stripSums = (rows: number): string => `for (var ox = 0u; ox < p.outWidth; ox += 4u) {
      ${unrolled(
        4,
        '\n      ',
        (i) =>
          `let some${i} = ox + ${i}u < p.outWidth; let g${i} = select(vec4f(), vec4f(dy[select(0u, (line * p.outWidth + ox + ${i}u) * p.lanes + c, some${i})]), some${i});`,
      )}
      ${unrolled(6, '\n      ', (j) => `let ix${j} = ox + ${j}u - p.paddingX; let in${j} = ix${j} < p.sourceWidth;`)}
      ${unrolled(
        rows,
        '\n      ',
        (r) => `{ let inside = y + dy${r * 3} < p.sourceHeight; let begin = (n + y + dy${r * 3}) * p.sourceWidth;
      ${unrolled(
        6,
        '\n      ',
        (j) =>
          `let ok${j} = inside && in${j}; let x${j} = select(vec4f(), vec4f(x[select(0u, (begin + ix${j}) * p.lanes + c, ok${j})]), ok${j});`,
      )}
      ${unrolled(3, ' ', (s) => `a${r * 3 + s} = ${range(4).reduce((sum, i) => `fma(x${i + s}, g${i}, ${sum})`, `a${r * 3 + s}`)};`)} }`,
      )}
    }`;
