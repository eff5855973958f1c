import { pairFunctions } from './scalar-pair.js';

/** What the addresses of a gather depend on. */
export interface GatherAddress {
  /** One phase of a strided input gradient: results and taps are picked, not contiguous. */
  readonly phased: boolean;
  /** 1×1 kernel: the depth is the channel. */
  readonly single: boolean;
  /** Rows of a tile, and invocations that find where they start. */
  readonly rows: number;
  readonly threads: number;
}

/**
 * WGSL of where a gather's operands lie. In the declarations: `tapOf(k)`, `inside(row, tap)`, `place(row, tap)` (a source
 * pixel), `rowStart`. In `main`: the texts returned beside them, `sizes` first.
 */
export function gatherAddress({ phased, single, rows, threads }: GatherAddress) {
  // `firstOf(0)`: byte 0 of p.first, and so on.
  const firstOf = (byte: number): string => `extractBits(p.first, ${byte * 8}u, 8u)`;
  const count = (axis: 'low' | 'high', byte: number): string =>
    phased ? `(${axis}(p.result) - ${firstOf(byte)} + ${axis}(p.jump) - 1u) / ${axis}(p.jump)` : `${axis}(p.result)`;
  const scaled = (value: string, axis: 'low' | 'high'): string => (phased ? value : `${value} * ${axis}(p.mul)`);
  const tap = single
    ? 'return Tap(0u, 0u, k, 0u, 0u);'
    : `let tap = k / p.inner;
  let u = tap / high(p.taps);
  let v = tap % high(p.taps);
  return Tap(u * lowSigned(p.step), v * highSigned(p.step), k % p.inner, u, v);`;
  const filterRow = `fn filterRow(k: u32) -> u32 {
  let t = tapOf(k);
  return ((${firstOf(2)} + t.u * low(p.tapStep)) * high(p.kernel) + ${firstOf(3)} + t.v * high(p.tapStep)) * p.inner + t.c;
}`;
  return {
    declarations: `${pairFunctions}
// Where depth k lies: how far from a row's first source pixel, its channel, its tap.
struct Tap { y: u32, x: u32, c: u32, u: u32, v: u32 }
fn tapOf(k: u32) -> Tap {
  ${tap}
}
// The line of the packed filters that holds depth k.
${phased && !single ? filterRow : 'fn filterRow(k: u32) -> u32 { return k; }'}

// Where each row of the tile meets the source under tap 0: the image's first pixel; y and x, two signed halves.
var<workgroup> rowStart: array<vec2u, ${rows}>;
// A source position of a row under a tap: whether it is inside the image, and which pixel it is.
fn inside(row: vec2u, t: Tap) -> bool { return lowSigned(row.y) + t.y < low(p.source) && highSigned(row.y) + t.x < high(p.source); }
fn place(row: vec2u, t: Tap) -> u32 { return row.x + (lowSigned(row.y) + t.y) * high(p.source) + highSigned(row.y) + t.x; }`,
    /** Statements: the result's rows in this phase, and the whole depth. */
    sizes: `let countH = ${count('low', 0)};
  let countW = ${count('high', 1)};
  let rows = p.batch * countH * countW;
  let depth = low(p.taps) * high(p.taps) * p.inner;`,
    /** Statements: fills `rowStart` from `row0` on; ends with a barrier. */
    starts: `for (var i = lane; i < ${rows}u; i += ${threads}u) {
    let row = row0 + i;
    let sy = ${scaled('(row / countW % countH)', 'low')} + lowSigned(p.offset);
    let sx = ${scaled('(row % countW)', 'high')} + highSigned(p.offset);
    rowStart[i] = vec2u(row / (countH * countW) * low(p.source) * high(p.source), select(0x8000u, (sy & 0xffffu) | (sx << 16u), row < rows));
  }
  // All rows' starts are known before anyone fetches by them.
  workgroupBarrier();`,
    /** The result pixel of `row`. */
    pixel: phased
      ? `((row / (countH * countW) * low(p.result) + ${firstOf(0)} + row / countW % countH * low(p.jump)) * high(p.result) + ${firstOf(1)} + row % countW * high(p.jump))`
      : 'row',
    /** Lines of a group's packed filters. */
    filterLines: phased ? 'low(p.kernel) * high(p.kernel) * p.inner' : 'depth',
    /** The line of the epilogue's sums that a tile writes. */
    part: `(${phased ? 'p.firstPart + ' : ''}row0 / ${rows}u)`,
  };
}
