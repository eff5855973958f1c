import { dispatch, entry, grid, read, readWrite, u32s } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { type Conv2dProblem, weightDtype } from '../shared/problem.js';

/**
 * How a convolution for CPU drivers lays its filters out, in floats: [block][bias `width`][row of taps][group of
 * `unroll` taps][quad of inner channels][tap of the group][4][`width` outer channels]; zeros where channels run out.
 */
export interface FilterLayout {
  /** Outer channels of a block: what one invocation computes. */
  readonly width: number;
  /** Taps of a row that lie together. */
  readonly unroll: number;
  /** Channels summed over, in groups of four. */
  readonly innerQuads: number;
  readonly blocks: number;
  /** Taps of a group run backwards: the input gradient then meets its sources in ascending order, as a forward pass. */
  readonly flip: boolean;
}

export const filterBlockFloats = (p: Conv2dProblem, { width, innerQuads }: FilterLayout): number =>
  width * (1 + p.kernelHeight * p.kernelWidth * innerQuads * 4);

/** OIHW filters (and the bias of a forward pass) to the layout above. */
export function packFilters(
  problem: Conv2dProblem,
  { layout, forward, slot }: { layout: FilterLayout; forward: boolean; slot: string },
  target: Target,
): Dispatch {
  const { width, unroll, innerQuads, blocks, flip } = layout;
  const bias = forward && problem.bias;
  const dtype = weightDtype(problem);
  const taps = problem.kernelHeight * problem.kernelWidth;
  const count = (blocks * filterBlockFloats(problem, layout)) / width;
  return dispatch(target, {
    family: 'conv2d-software-filters',
    about: `Filters from OIHW to blocks of width outer channels: [block][bias, then tap and inner channel][outer channel of the block], zeros past the last.
An invocation writes the outer channels of one tap and inner channel. No barriers.`,
    key: { width, unroll, flip, bias, dtype },
    bindings: [read('weight', dtype), ...(bias ? [read('bias', dtype)] : []), readWrite('filters', 'vec4<f32>')],
    slots: { filters: slot },
    scalars: u32s({
      count,
      inner: forward ? problem.inChannels : problem.outChannels,
      outer: forward ? problem.outChannels : problem.inChannels,
      quads: innerQuads,
      taps,
      innerStep: forward ? taps : problem.inChannels * taps,
      outerStep: forward ? problem.inChannels * taps : taps,
    }),
    bake: 'passed',
    workgroups: grid(count, target, { threads: 32 }),
    // An invocation writes the `width` outer channels of one tap and inner channel.
    code: ({ width, unroll, flip, bias }) => `
${entry('i', 'p.count', { threads: 32 })}
  let rows = 1u + p.taps * p.quads * 4u;
  let block = i / rows;
  let row = i % rows;
  let at = row - 1u;
  let s = (at / 4u) % ${unroll}u;
  let c = (at / ${4 * unroll}u) % p.quads * 4u + at % 4u;
  let group = at / (${4 * unroll}u * p.quads);
  let tap = group * ${unroll}u + ${flip ? `${unroll - 1}u - s` : 's'};
  let first = block * ${width}u;
  let live = row > 0u && c < p.inner;
  let base = select(0u, c * p.innerStep + tap, live);
  for (var q = 0u; q < ${width / 4}u; q++) {
    var value = vec4f();
    for (var k = 0u; k < 4u; k++) {
      let o = first + q * 4u + k;
      if (o < p.outer) {
        if (live) { value[k] = f32(weight[base + o * p.outerStep]); }
        ${bias ? 'if (row == 0u) { value[k] = f32(bias[o]); }' : ''}
      }
    }
    filters[i * ${width / 4}u + q] = value;
  }
}`,
  });
}
