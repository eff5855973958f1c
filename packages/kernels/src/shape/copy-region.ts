import { ceilDiv, type DispatchSpec, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, DType, Plan, Target } from '../plan.js';
import { collapse } from '../pointwise/collapse.js';

/** Elements of one tensor copied into (part of) another. Strides and offsets in elements. */
export interface CopyRegion {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly source: { readonly strides: readonly number[]; readonly offset: number };
  readonly target: { readonly strides: readonly number[]; readonly offset: number };
  /** Slot of the source; default `x`. */
  readonly slot?: string;
}

const workgroupSize = 64;

/** Slots: x (or as each region says), y. Permuting, slicing, expanding, joining and padding are all this. */
export function planCopyRegions(
  regions: readonly CopyRegion[],
  target: Target,
  fill?: { count: number; value: number; dtype: DType },
): Plan {
  const dispatches = regions.filter((r) => r.shape.every((d) => d > 0)).map((region) => copyRegion(region, target));
  if (fill) dispatches.unshift(fillWith(fill, target));
  return { variant: 'copy-region', temporaries: [], dispatches };
}

/** Set every element. Slot: y. */
export function planFill(fill: { count: number; value: number; dtype: DType }, target: Target): Plan {
  return { variant: 'fill', temporaries: [], dispatches: [fillWith(fill, target)] };
}

/** A thread moves one element; all 32-bit types are moved as words. */
function copyRegion(region: CopyRegion, target: Target): Dispatch {
  const { shape, inputs } = collapse(region.shape, [region.source.strides, region.target.strides]);
  const [from, to] = inputs as [number[], number[]];
  const rank = shape.length;
  const size = shape.reduce((a, b) => a * b, 1);
  const scalars: Record<string, ReturnType<typeof u32>> = {
    size: u32(size),
    begin: u32(region.source.offset),
    into: u32(region.target.offset),
  };
  shape.slice(1).forEach((d, i) => Object.assign(scalars, { [`d${i + 1}`]: u32(d) }));
  from.forEach((s, d) => Object.assign(scalars, { [`f${d}`]: u32(s) }));
  to.forEach((s, d) => Object.assign(scalars, { [`t${d}`]: u32(s) }));
  const half = region.dtype === 'f16';
  const element = half ? 'f16' : 'u32';
  const spec: DispatchSpec = {
    name: `copy-region-${half ? 'f16' : '32bit'}-rank${rank}`,
    enables: half ? ['f16'] : [],
    alwaysBake: Object.keys(scalars).length > 16,
    bindings: [read('x', element), readWrite('y', element)],
    slots: region.slot ? { x: region.slot } : {},
    scalars,
    workgroups: linearGroups(ceilDiv(size, workgroupSize), target),
    code: () => {
      const coordinates = ['var rest = i;'];
      for (let d = rank - 1; d >= 1; d--) coordinates.push(`let k${d} = rest % p.d${d}; rest = rest / p.d${d};`);
      coordinates.push('let k0 = rest;');
      const offset = (letter: string): string => Array.from({ length: rank }, (_, d) => `k${d} * p.${letter}${d}`).join(' + ');
      return `
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.size) { return; }
  ${coordinates.join('\n  ')}
  y[p.into + ${offset('t')}] = x[p.begin + ${offset('f')}];
}`;
    },
  };
  return dispatch(target, spec);
}

function fillWith({ count, value, dtype }: { count: number; value: number; dtype: DType }, target: Target): Dispatch {
  const view = new DataView(new ArrayBuffer(4));
  if (dtype === 'i32') view.setInt32(0, value, true);
  else if (dtype === 'u32') view.setUint32(0, value, true);
  else view.setFloat32(0, value, true);
  const half = dtype === 'f16';
  const words = half ? ceilDiv(count, 2) : count;
  return dispatch(target, {
    name: `fill-${half ? 'f16' : '32bit'}`,
    bindings: [readWrite('y', 'u32')],
    scalars: { words: u32(words), bits: u32(view.getUint32(0, true)) },
    workgroups: linearGroups(ceilDiv(words, workgroupSize), target),
    code: () => `
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.words) { return; }
  y[i] = ${half ? 'pack2x16float(vec2f(bitcast<f32>(p.bits)))' : 'p.bits'};
}`,
  });
}
