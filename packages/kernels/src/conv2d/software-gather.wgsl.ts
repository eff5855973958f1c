import { ceilDiv, dispatch, linearGroups, read, readWrite, u32, uniform } from '../kernel.js';
import type { Dispatch, Plan, Target, Temporary } from '../plan.js';
import { sizes } from './direct.wgsl.js';
import { type Conv2dProblem, conv2dOutputSize } from './problem.js';

/** Invocations of a workgroup; each takes `pixelsEach` pixels that lie this far apart. */
const lanes = 32;
/** Output channels an invocation computes. */
const tileWidths = [16, 8] as const;

/**
 * Forward and input gradient of a dense convolution for drivers that run on the CPU.
 *
 * Such a driver computes 8 or 16 invocations in one vector register: loads that differ per invocation are gathered one
 * by one, a load all share is one broadcast. So an invocation takes 4 pixels × 16 output channels, reads its pixels
 * channel by channel (4 gathers), and the filter, shared by all, comes from a uniform buffer: 64 multiply-adds for 4
 * gathers and 16 broadcasts. Filters are packed to [block][tap][inner channel][16] first; as many blocks as fit the
 * 64 KiB of a uniform binding run in one dispatch. Filters that do not fit are read from storage.
 */
export function planSoftwareGather(problem: Conv2dProblem, direction: 'forward' | 'gradInput', target: Target): Plan {
  const forward = direction === 'forward';
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const inner = forward ? problem.inChannels : problem.outChannels;
  const outer = forward ? problem.outChannels : problem.inChannels;
  const pixels = problem.batch * (forward ? outHeight * outWidth : problem.inHeight * problem.inWidth);
  const taps = problem.kernelHeight * problem.kernelWidth;
  const width = tileWidth(taps * inner, outer, target);
  const blockBytes = taps * inner * width * 4;
  const shared = blockBytes <= target.maxUniformBinding;
  const blocks = ceilDiv(outer, width);
  const perDispatch = shared ? Math.min(blocks, Math.floor(target.maxUniformBinding / blockBytes)) : blocks;
  const pixelsEach = pixels >= 4 * lanes ? 4 : 1;
  const tile: Tile = { problem, forward, inner, outer, pixels, width, blockBytes, perDispatch, pixelsEach, shared };

  const temporaries: Temporary[] = [];
  const dispatches: Dispatch[] = [];
  for (let first = 0; first < blocks; first += perDispatch) {
    const slot = `filters${first}`;
    const count = Math.min(perDispatch, blocks - first);
    temporaries.push({ slot, bytes: blockBytes * perDispatch });
    dispatches.push(pack(tile, slot, first, count, target), multiply(tile, slot, first, count, target));
  }
  const variant = `conv2d-${direction}-software-${pixelsEach}x${width}-${shared ? 'uniform' : 'storage'}`;
  return { variant, temporaries, dispatches };
}

interface Tile {
  readonly problem: Conv2dProblem;
  readonly forward: boolean;
  readonly inner: number;
  readonly outer: number;
  readonly pixels: number;
  readonly width: number;
  readonly blockBytes: number;
  readonly perDispatch: number;
  readonly pixelsEach: number;
  readonly shared: boolean;
}

/** The widest tile whose filters fit a uniform binding; 16 from storage when none does. */
function tileWidth(depth: number, outer: number, target: Target): number {
  if (outer <= 4) return 4;
  if (outer <= 8) return 8;
  return tileWidths.find((width) => depth * width * 4 <= target.maxUniformBinding) ?? 16;
}

/** OIHW to [block][tap][inner][width], zeros where the last block is not full. */
function pack(tile: Tile, slot: string, first: number, count: number, target: Target): Dispatch {
  const { problem, forward, inner, outer, width } = tile;
  const taps = problem.kernelHeight * problem.kernelWidth;
  const elements = taps * inner * width * count;
  return dispatch(target, {
    name: `conv2d-pack-${forward ? 'forward' : 'gradInput'}`,
    bindings: [read('weight'), readWrite('filters')],
    slots: { filters: slot },
    scalars: {
      elements: u32(elements),
      taps: u32(taps),
      inner: u32(inner),
      outer: u32(outer),
      width: u32(width),
      first: u32(first * width),
    },
    neverBake: true,
    workgroups: linearGroups(ceilDiv(elements, 64), target),
    code: () => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.elements) { return; }
  let k = i % p.width;
  let c = (i / p.width) % p.inner;
  let tap = (i / (p.width * p.inner)) % p.taps;
  let o = p.first + (i / (p.width * p.inner * p.taps)) * p.width + k;
  var value = 0.0;
  if (o < p.outer) { value = weight[${forward ? '(o * p.inner + c)' : '(c * p.outer + o)'} * p.taps + tap]; }
  filters[i] = value;
}`,
  });
}

function multiply(tile: Tile, slot: string, first: number, count: number, target: Target): Dispatch {
  const { problem, forward, inner, outer, pixels, width, pixelsEach, shared } = tile;
  const quads = width / 4;
  const vector = inner % 4 === 0;
  const bias = forward && problem.bias;
  const groups = ceilDiv(pixels, lanes * pixelsEach);
  const filters = `array<vec4<f32>, ${(tile.blockBytes * tile.perDispatch) / 16}>`;
  const [source, result] = forward ? ['x', 'y'] : ['dy', 'dx'];
  return dispatch(target, {
    name: `conv2d-${forward ? 'forward' : 'gradInput'}-software-${pixelsEach}x${width}${shared ? '-uniform' : ''}${vector ? '-v4' : ''}${bias ? '-bias' : ''}`,
    bindings: [
      read('source', vector ? 'vec4<f32>' : 'f32'),
      shared ? uniform('filters', filters) : read('filters', 'vec4<f32>'),
      ...(bias ? [read('bias')] : []),
      readWrite('result'),
    ],
    slots: { source: source as string, filters: slot, result: result as string },
    constants: { ...sizes(problem), outer: u32(outer), places: u32(pixels), groups: u32(groups) },
    scalars: { first: u32(first) },
    neverBake: true,
    workgroups: [...linearGroups(groups, target).slice(0, 2), count] as unknown as [number, number, number],
    code: () => {
      const each = (write: (i: number) => string): string => Array.from({ length: pixelsEach }, (_, i) => write(i)).join('\n  ');
      const quad = (write: (q: number) => string): string => Array.from({ length: quads }, (_, q) => write(q)).join(' ');
      const [height, w] = forward ? ['outHeight', 'outWidth'] : ['inHeight', 'inWidth'];
      const [sourceHeight, sourceWidth] = forward ? ['inHeight', 'inWidth'] : ['outHeight', 'outWidth'];
      const step = vector ? 4 : 1;
      const products = Array.from({ length: step }, (_, u) => {
        const part = vector ? `.${'xyzw'[u]}` : '';
        return `{ ${quad((q) => `let w${q} = filters[at + ${u * quads + q}u];`)} ${each((i) => quad((q) => `a${i}_${q} = fma(vec4f(v${i}${part}), w${q}, a${i}_${q});`))} }`;
      });
      return `
// Source position of an output coordinate under one tap; huge (and so out of range) when there is none.
fn sourceOf(at: u32, tap: u32, stride: u32, pad: u32, size: u32) -> u32 {
  ${forward ? 'return at * stride + tap - pad;' : 'let t = at + pad - tap; return select(0xffffffffu, t / stride, t < size * stride && t % stride == 0u);'}
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.x + wid.y * nwg.x;
  if (group >= groups) { return; }
  ${each((i) => `let place${i} = group * ${lanes * pixelsEach}u + ${i * lanes}u + lane; let ox${i} = place${i} % ${w}; let oy${i} = (place${i} / ${w}) % ${height}; let n${i} = place${i} / (${w} * ${height}); let live${i} = place${i} < places;`)}
  ${each((i) => quad((q) => `var a${i}_${q} = vec4f();`))}
  var at = wid.z * ${(tile.blockBytes / 16) | 0}u;
  for (var r = 0u; r < kernelHeight; r++) {
    ${each((i) => `let sy${i} = sourceOf(oy${i}, r * dilationH, strideH, padH, ${sourceHeight});`)}
    for (var s = 0u; s < kernelWidth; s++) {
      ${each((i) => `let sx${i} = sourceOf(ox${i}, s * dilationW, strideW, padW, ${sourceWidth}); let ok${i} = live${i} && sy${i} < ${sourceHeight} && sx${i} < ${sourceWidth}; let base${i} = select(0u, ((n${i} * ${sourceHeight} + sy${i}) * ${sourceWidth} + sx${i}) * ${inner / step}u, ok${i});`)}
      for (var c = 0u; c < ${inner / step}u; c++) {
        ${each((i) => `let v${i} = select(${vector ? 'vec4f()' : '0.0'}, source[base${i} + c], ok${i});`)}
        ${products.join('\n        ')}
        at += ${step * quads}u;
      }
    }
  }
  let o = (p.first + wid.z) * ${width}u;
  ${each((i) => `if (live${i}) { ${Array.from({ length: width }, (_, k) => store(i, k, tile, bias)).join(' ')} }`)}
}`;
    },
  });
}

/** Store one channel of one pixel; the last block of channels may not be full. */
function store(pixel: number, k: number, { outer, width }: Tile, bias: boolean): string {
  const text = `result[place${pixel} * outer + o + ${k}u] = a${pixel}_${k >> 2}[${k & 3}]${bias ? ` + bias[o + ${k}u]` : ''};`;
  return outer % width === 0 ? text : `if (o + ${k}u < outer) { ${text} }`;
}
