import { entry, heightWidth, type Scalars, u32 } from '../kernel.js';
import type { ResizeProblem } from '../resize-problem.js';

/** Sizes as a kernel sees them: it walks through `far` positions for each of its own, those of the output or of a gradient's input. */
export function adaptiveSizes({ inHeight, inWidth, outHeight, outWidth }: ResizeProblem, forward: boolean): Scalars {
  const input = [inHeight, inWidth] as const;
  const output = [outHeight, outWidth] as const;
  return { ...heightWidth('own', forward ? output : input, u32), ...heightWidth('far', forward ? input : output, u32) };
}

/** The beginning of such a kernel: its element is `i`, at (n, oy, ox, c), its window from (y0, x0) up to, not including, (y1, x1). */
export const adaptiveWindows = `
fn first(i: u32, own: u32, far: u32) -> u32 { return i * far / own; }
fn end(i: u32, own: u32, far: u32) -> u32 { return ((i + 1u) * far + own - 1u) / own; }

${entry('i', 'p.count')}
  let c = i % p.channels;
  let ox = (i / p.channels) % p.ownWidth;
  let oy = (i / (p.channels * p.ownWidth)) % p.ownHeight;
  let n = i / (p.channels * p.ownWidth * p.ownHeight);
  let x0 = first(ox, p.ownWidth, p.farWidth);
  let x1 = end(ox, p.ownWidth, p.farWidth);
  let y0 = first(oy, p.ownHeight, p.farHeight);
  let y1 = end(oy, p.ownHeight, p.farHeight);`;
