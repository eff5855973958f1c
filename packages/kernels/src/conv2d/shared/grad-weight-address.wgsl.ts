import { alongAxes, ceilDiv, heightWidth, type Scalars, u32s } from '../../kernel.js';
import { type Conv2dProblem, conv2dOutputSize } from './problem.js';

/** The product of a weight gradient: rows are (tap, input channel), columns output channels, the depth dy's pixels in parts. */
export function gradWeightSizes(problem: Conv2dProblem, { splits, tile }: { splits: number; tile: { readonly k: number } }) {
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const [groupIn, groupOut] = [problem.inChannels / problem.groups, problem.outChannels / problem.groups];
  const height = problem.kernelHeight * problem.kernelWidth * groupIn;
  const pixels = problem.batch * outHeight * outWidth;
  const scalars: Scalars = {
    ...heightWidth('source', [problem.inHeight, problem.inWidth]),
    ...heightWidth('out', [outHeight, outWidth]),
    ...u32s({ groups: problem.groups, groupIn, groupOut }),
    ...heightWidth('kernel', [problem.kernelHeight, problem.kernelWidth]),
    ...alongAxes('stride', problem.stride),
    ...alongAxes('padding', problem.padding),
    ...alongAxes('dilation', problem.dilation),
    ...u32s({ pixels, depth: ceilDiv(ceilDiv(pixels, splits), tile.k) * tile.k, splits }),
  };
  return { groupIn, groupOut, height, pixels, scalars };
}

/** WGSL of where rows and pixels meet x, from the scalars above: `tapOf`, `pixelOf`, `inside`, `place` (a pixel of x). */
export const gradWeightAddress = `
// What a row adds to a pixel's position in x; a row past the last is never inside.
struct Tap { y: u32, x: u32, c: u32 }
fn tapOf(row: u32, height: u32, g: u32) -> Tap {
  let tap = row / p.groupIn;
  let y = tap / p.kernelWidth * p.dilationY - p.paddingY;
  return Tap(select(0x80000000u, y, row < height), tap % p.kernelWidth * p.dilationX - p.paddingX, g * p.groupIn + row % p.groupIn);
}
// Where a pixel of dy meets x under tap 0; a pixel past the last is never inside.
struct Base { n: u32, y: u32, x: u32 }
fn pixelOf(pixel: u32, last: u32) -> Base {
  let line = pixel / p.outWidth;
  let y = line % p.outHeight * p.strideY;
  return Base(line / p.outHeight * p.sourceHeight, select(0x40000000u, y, pixel < last), pixel % p.outWidth * p.strideX);
}
fn inside(base: Base, t: Tap) -> bool { return base.y + t.y < p.sourceHeight && base.x + t.x < p.sourceWidth; }
fn place(base: Base, t: Tap) -> u32 { return (base.n + base.y + t.y) * p.sourceWidth + base.x + t.x; }`;
