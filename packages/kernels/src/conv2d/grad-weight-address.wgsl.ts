import { ceilDiv, type Scalars, u32 } from '../kernel.js';
import { type Conv2dProblem, conv2dOutputSize } from './problem.js';
import { pair, pairFunctions } from './scalar-pair.js';

/** The product of a weight gradient: rows are (tap, input channel), columns output channels, the depth dy's pixels in parts. */
export function gradWeightSizes(problem: Conv2dProblem, { splits, tile }: { splits: number; tile: { readonly k: number } }) {
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const [groupIn, groupOut] = [problem.inChannels / problem.groups, problem.outChannels / problem.groups];
  const height = problem.kernelHeight * problem.kernelWidth * groupIn;
  const pixels = problem.batch * outHeight * outWidth;
  const scalars: Scalars = {
    source: pair([problem.inHeight, problem.inWidth]),
    out: pair([outHeight, outWidth]),
    groups: u32(problem.groups),
    groupIn: u32(groupIn),
    groupOut: u32(groupOut),
    kernel: pair([problem.kernelHeight, problem.kernelWidth]),
    stride: pair(problem.stride),
    padding: pair(problem.padding),
    dilation: pair(problem.dilation),
    pixels: u32(pixels),
    depth: u32(ceilDiv(ceilDiv(pixels, splits), tile.k) * tile.k),
    splits: u32(splits),
  };
  return { groupIn, groupOut, height, elements: height * problem.outChannels, scalars };
}

/** WGSL of where rows and pixels meet x, from the scalars above: `tapOf`, `pixelOf`, `inside`, `place` (a pixel of x). */
export const gradWeightAddress = `${pairFunctions}
// What a row adds to a pixel's position in x; a row past the last is never inside.
struct Tap { y: u32, x: u32, c: u32 }
fn tapOf(row: u32, height: u32, g: u32) -> Tap {
  let tap = row / p.groupIn;
  let y = tap / high(p.kernel) * low(p.dilation) - low(p.padding);
  return Tap(select(0x80000000u, y, row < height), tap % high(p.kernel) * high(p.dilation) - high(p.padding), g * p.groupIn + row % p.groupIn);
}
// Where a pixel of dy meets x under tap 0; a pixel past the last is never inside.
struct Base { n: u32, y: u32, x: u32 }
fn pixelOf(pixel: u32, last: u32) -> Base {
  let line = pixel / high(p.out);
  let y = line % low(p.out) * low(p.stride);
  return Base(line / low(p.out) * low(p.source), select(0x40000000u, y, pixel < last), pixel % high(p.out) * high(p.stride));
}
fn inside(base: Base, t: Tap) -> bool { return base.y + t.y < low(p.source) && base.x + t.x < high(p.source); }
fn place(base: Base, t: Tap) -> u32 { return (base.n + base.y + t.y) * high(p.source) + base.x + t.x; }`;
