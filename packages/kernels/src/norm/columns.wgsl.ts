import { halving } from '../halving.wgsl.js';
import { ceilDiv, dispatch, entry, grid, readWrite, u32s } from '../kernel.js';
import type { Dispatch, Target } from '../plan.js';
import type { Columns, NormProblem } from './problem.js';
import { type NormKernel, type NormKey, vectorsOf } from './vectors.js';

/** Two sums a and b over the rows of every channel. The code sees `c` (in vectors), `segment`, `begin`, `end`. */
export interface ColumnBody {
  /** Before the loop: what belongs to the channels. `base + row * p.lanes` is a row's element. */
  readonly prologue: string;
  /** Adds the element `at` to `a` and `b`. */
  readonly step: string;
  /** Turns `a` and `b` into `first` and `second`, the pair that is stored. */
  readonly finish: string;
}

const threads = 256;

/**
 * Writes pairs [segments, parts, channels] into the slot `partials`.
 *
 * On a GPU a workgroup takes one part and `tileX` vectors of channels: its `tileY` rows of threads read neighbouring
 * rows, and a tree in workgroup memory adds them up. On a CPU driver a thread takes one channel of one part and sums
 * alone. Both orders are fixed.
 */
export function columnSums(
  sums: NormKernel<ColumnBody>,
  { problem, columns, target }: { problem: NormProblem; columns: Columns; target: Target },
): Dispatch {
  const { segments, rows, channels, groups } = problem;
  const { vec, parts, rowsPerPart, tileX, tileY } = columns;
  const lanes = channels / vec;
  const tree = !target.software;
  const tiles = ceilDiv(lanes, tileX);
  const count = tree ? segments * parts * tiles : segments * parts * lanes;
  return dispatch(target, {
    family: sums.family,
    key: { ...sums.key, tileX: tree ? tileX : 0, tileY: tree ? tileY : 0 },
    about: `Two sums over the rows of every channel. x lies [segment][row][channel]; partials [segment][part][channel], pairs.
A workgroup owns one part of the rows and tileX vectors of channels; its tileY lines of threads take rows in turn, and a tree in workgroup memory adds them
(a barrier before each level: what is added was written by others). Without tiles an invocation sums a part alone.`,
    bindings: [...sums.bindings, readWrite('partials', 'vec2<f32>')],
    // Layers of different shapes share what a CPU driver compiles for a tenth of a second and more.
    bake: 'shared',
    scalars: u32s({ rows, lanes, parts, rowsPerPart, groups, width: channels / groups, count, tiles }),
    workgroups: grid(count, target, { together: tree }),
    code: (key) => (key.tileX > 0 ? treeCode : serialCode)(key, sums.body(key)),
  });
}

const range = `let begin = part * p.rowsPerPart;
  let end = min(begin + p.rowsPerPart, p.rows);
  let base = segment * p.rows * p.lanes + c;`;

/** Stores `first` and `second` of each of a vector's channels. */
function write(key: NormKey): string {
  const { vec, parts } = vectorsOf(key);
  return `let out = ((segment * p.parts + part) * p.lanes + c) * ${vec}u;
  ${parts.map((part, k) => `partials[out + ${k}u] = vec2f(first${part}, second${part});`).join(' ')}`;
}

function serialCode(key: NormKey, sums: ColumnBody): string {
  const { type } = vectorsOf(key);
  return `
${entry('i', 'p.count')}
  let c = i % p.lanes;
  let part = (i / p.lanes) % p.parts;
  let segment = i / (p.lanes * p.parts);
  ${range}
  ${sums.prologue}
  var a = ${type}();
  var b = ${type}();
  for (var row = begin; row < end; row++) { let at = base + row * p.lanes; ${sums.step} }
  ${sums.finish}
  ${write(key)}
}`;
}

function treeCode(key: NormKey & { tileX: number; tileY: number }, sums: ColumnBody): string {
  const { type } = vectorsOf(key);
  const add = (sums: string): string => `${sums}[lane] += ${sums}[lane + step * tileX];`;
  return `
const tileX = ${key.tileX}u;
const tileY = ${key.tileY}u;
var<workgroup> sharedA: array<${type}, ${threads}>;
var<workgroup> sharedB: array<${type}, ${threads}>;

${entry('group', 'p.count', { together: true, threads })}
  let part = (group / p.tiles) % p.parts;
  let segment = group / (p.tiles * p.parts);
  let walker = lane / tileX;
  let wanted = (group % p.tiles) * tileX + lane % tileX;
  // Threads beyond the channels or the rows read a valid place and add nothing.
  let c = min(wanted, p.lanes - 1u);
  ${range}
  ${sums.prologue}
  var a = ${type}();
  var b = ${type}();
  if (walker < tileY && wanted < p.lanes) {
    for (var row = begin + walker; row < end; row += tileY) { let at = base + row * p.lanes; ${sums.step} }
  }
  sharedA[lane] = a;
  sharedB[lane] = b;
  ${halving({ half: 'tileY / 2u', what: 'sums', place: 'walker', join: `${add('sharedA')} ${add('sharedB')}` })}
  if (walker > 0u || wanted >= p.lanes) { return; }
  a = sharedA[lane];
  b = sharedB[lane];
  ${sums.finish}
  ${write(key)}
}`;
}
