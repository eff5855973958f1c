import { toHalf } from '../half.js';
import { ceilDiv, dispatch, entry, grid, read, readWrite, u32s } from '../kernel.js';
import type { Dispatch, DType, Plan, Target } from '../plan.js';
import { collapse } from '../pointwise/collapse.js';
import { coordinates, inVectors, offset, sizeScalars, strideScalars } from '../pointwise/coordinates.js';
import { range } from '../range.js';

/** Elements of one tensor copied into (part of) another. Strides and offsets in elements; a negative stride walks backwards. */
export interface CopyRegion {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly source: { readonly strides: readonly number[]; readonly offset: number };
  readonly target: { readonly strides: readonly number[]; readonly offset: number };
  /** Slot of the source; default `x`. */
  readonly slot?: string;
}

/** Slots: x (or as each region says), y. Permuting, slicing, expanding, joining and padding are all this. */
export function planCopyRegions(regions: readonly CopyRegion[], target: Target, fill?: Fill): Plan {
  const dispatches = regions.filter((r) => r.shape.every((d) => d > 0)).map((region) => copyRegion(region, target));
  if (fill) dispatches.unshift(fillWith(fill, target));
  return { variant: 'copy-region', temporaries: [], dispatches };
}

/** Elements of one tensor set to one value; `slot` names it, default `y`. */
export interface Fill {
  readonly count: number;
  readonly value: number;
  readonly dtype: DType;
  readonly slot?: string;
}

/** Set every element. */
export const planFill = (fill: Fill, target: Target): Plan => planFills([fill], target);

/** Set every element of several tensors. */
export const planFills = (fills: readonly Fill[], target: Target): Plan => ({
  variant: 'fill',
  temporaries: [],
  dispatches: fills.map((fill) => fillWith(fill, target)),
});

/** A thread moves four neighbours where both sides have them aligned, else one. What has whole words is moved as words. */
function copyRegion(region: CopyRegion, target: Target): Dispatch {
  const { shape, inputs } = collapse(region.shape, [region.source.strides, region.target.strides]);
  const [from, to] = inputs as [number[], number[]];
  const rank = shape.length;
  const half = region.dtype === 'f16';
  const offsets = [region.source.offset, region.target.offset];
  const aligned = (strides: readonly number[]): boolean => strides.at(-1) === 1 && strides.slice(0, -1).every((s) => s % 4 === 0);
  const lanes = (shape.at(-1) ?? 1) % 4 === 0 && offsets.every((o) => o % 4 === 0) && aligned(from) && aligned(to) ? 4 : 1;
  const size = shape.reduce((a, b) => a * b, 1) / lanes;
  const element = half ? (lanes === 4 ? 'vec2<u32>' : 'f16') : lanes === 4 ? 'vec4<u32>' : 'u32';
  return dispatch(target, {
    family: 'copy-region',
    about:
      "A box of one tensor into a box of another. d are the box's sizes, f and t strides of x and y, in vectors. An invocation owns one vector. No barriers.",
    key: { half, rank, lanes },
    bindings: [read('x', element), readWrite('y', element)],
    slots: region.slot ? { x: region.slot } : {},
    // Layers that differ in their sizes share a kernel where these are not worth compiling: without coordinates there is nothing to
    // divide, and on a GPU one division a vector takes less than its bytes.
    bake: rank === 1 || (rank === 2 && lanes === 4 && !target.software) ? 'passed' : 'sizes',
    scalars: {
      ...u32s({ size, begin: region.source.offset / lanes, into: region.target.offset / lanes }),
      ...sizeScalars(inVectors(shape, lanes), 1),
      ...strideScalars({ f: from, t: to }, lanes),
    },
    workgroups: grid(size, target),
    code: ({ rank }) => `
${entry('i', 'p.size')}
  ${coordinates('i', range(rank))}
  y[p.into + ${offset('t', range(rank))}] = x[p.begin + ${offset('f', range(rank))}];
}`,
  });
}

function fillWith({ count, value, dtype, slot = 'y' }: Fill, target: Target): Dispatch {
  const half = dtype === 'f16';
  const words = half ? ceilDiv(count, 2) : count;
  return dispatch(target, {
    family: 'fill',
    about: 'An invocation owns one word. No barriers.',
    key: {},
    bindings: [readWrite('y', 'u32')],
    slots: { y: slot },
    bake: 'shared',
    scalars: u32s({ words, bits: bitsOf(value, dtype) }),
    workgroups: grid(words, target),
    code: () => `
${entry('i', 'p.words')}
  y[i] = p.bits;
}`,
  });
}

/** A value as a word of its type, halves twice. Not converted by the kernel: WGSL has no constants that are not finite. */
function bitsOf(value: number, dtype: DType): number {
  if (dtype === 'f16') return toHalf(value) * 0x10001;
  const view = new DataView(new ArrayBuffer(4));
  if (dtype === 'i32') view.setInt32(0, value);
  else if (dtype === 'u32') view.setUint32(0, value);
  else view.setFloat32(0, value);
  return view.getUint32(0);
}
