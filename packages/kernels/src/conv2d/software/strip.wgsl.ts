import { laneMain, quotientFunction } from '../../software-lanes.js';

/** Invocations of a workgroup that computes strips. */
export const stripWorkgroup = 32;

/**
 * The beginning of a kernel whose invocations each own a strip of neighbouring results of a line, up to inside `main`: whether
 * it is `live`, image `n`, line `jy`, first column `jx`, and the source's `height` and `width`. `lines` is an expression of the
 * lines of a result; scalars `places`, `strips` (of a line), `perStrip` and `perRow` (their and the lines' inverses), `sourceHeight`, `sourceWidth`.
 */
export const stripMain = ({ strip, lanes, lines }: { strip: number; lanes: number; lines: string }): string => `${quotientFunction}

${laneMain(stripWorkgroup, lanes)}
  let place = (wid.x + wid.y * nwg.x) * ${stripWorkgroup}u + invocation;
  let live = place < p.places;
  let line = quotient(place, p.strips, p.perStrip);
  let jx = (place - line * p.strips) * ${strip}u;
  let n = quotient(line, ${lines}, p.perRow);
  let jy = line - n * ${lines};
  let height = p.sourceHeight;
  let width = p.sourceWidth;`;
