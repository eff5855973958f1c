/** Readers of a row's start: y and x in halves of a word, signed. They come as u32: one below 0 is huge, and fails `< size`. */
const halfFunctions = `
fn firstHalf(v: u32) -> u32 { return bitcast<u32>(extractBits(bitcast<i32>(v), 0u, 16u)); }
fn secondHalf(v: u32) -> u32 { return bitcast<u32>(extractBits(bitcast<i32>(v), 16u, 16u)); }`;

/** What the addresses of a gather depend on. */
export interface GatherAddress {
  /** One phase of a strided input gradient: results and taps are picked, not contiguous. */
  readonly phased: boolean;
  /** Rows are blocks of result pixels, 0 but for one (see `AxisPhase`); only where `phased`. */
  readonly spread: boolean;
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
export function gatherAddress({ phased, spread, single, rows, threads }: GatherAddress) {
  const count = (size: string, axis: 'Y' | 'X'): string =>
    phased ? `(${size} - p.first${axis} + p.jump${axis} - 1u) / p.jump${axis}` : size;
  const scaled = (value: string, axis: 'Y' | 'X'): string => (phased ? value : `${value} * p.mul${axis}`);
  const tap = single
    ? 'return Tap(0u, 0u, k, 0u, 0u);'
    : `let tap = k / p.inner;
  let u = tap / p.tapsWidth;
  let v = tap % p.tapsWidth;
  return Tap(u * p.stepY, v * p.stepX, k % p.inner, u, v);`;
  const filterRow = `fn filterRow(k: u32) -> u32 {
  let t = tapOf(k);
  return ((p.tapFirstY + t.u * p.tapStepY) * p.kernelWidth + p.tapFirstX + t.v * p.tapStepX) * p.inner + t.c;
}`;
  const image = 'row / (countH * countW) * p.resultHeight';
  const [firstY, firstX] = ['p.firstY + row / countW % countH * p.jumpY', 'p.firstX + row % countW * p.jumpX'];
  return {
    declarations: `${halfFunctions}
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
fn inside(row: vec2u, t: Tap) -> bool { return firstHalf(row.y) + t.y < p.sourceHeight && secondHalf(row.y) + t.x < p.sourceWidth; }
fn place(row: vec2u, t: Tap) -> u32 { return row.x + (firstHalf(row.y) + t.y) * p.sourceWidth + secondHalf(row.y) + t.x; }`,
    /** Statements: the result's rows in this phase, and the whole depth. */
    sizes: `let countH = ${count('p.resultHeight', 'Y')};
  let countW = ${count('p.resultWidth', 'X')};
  let rows = p.batch * countH * countW;
  let depth = p.tapsHeight * p.tapsWidth * p.inner;`,
    /** Statements: fills `rowStart` from `row0` on; ends with a barrier. */
    starts: `for (var i = lane; i < ${rows}u; i += ${threads}u) {
    let row = row0 + i;
    let sy = ${scaled('(row / countW % countH)', 'Y')} + p.offsetY;
    let sx = ${scaled('(row % countW)', 'X')} + p.offsetX;
    rowStart[i] = vec2u(row / (countH * countW) * p.sourceHeight * p.sourceWidth, select(0x8000u, (sy & 0xffffu) | (sx << 16u), row < rows));
  }
  // All rows' starts are known before anyone fetches by them.
  workgroupBarrier();`,
    /** The result pixel of `row`; where rows are spread, within `pixels`. */
    pixel: spread ? `((${image} + y) * p.resultWidth + x)` : phased ? `((${image} + ${firstY}) * p.resultWidth + ${firstX})` : 'row',
    /** Statements: `store` at each pixel of `row`; `met` says whether it is the one that the sums are of. */
    pixels: (store: string): string =>
      spread
        ? `for (var pixel = 0u; pixel < p.spreadY * p.spreadX; pixel++) {
        let y = ${firstY} + pixel / p.spreadX;
        let x = ${firstX} + pixel % p.spreadX;
        if (y >= p.resultHeight || x >= p.resultWidth) { continue; }
        let met = pixel == p.metY * p.spreadX + p.metX;
        ${store}
      }`
        : store,
    /** The sums that belong to a pixel of `pixels`. */
    at: (sums: string): string => (spread ? `select(vec4f(), ${sums}, met)` : sums),
    /** Lines of a group's packed filters. */
    filterLines: phased ? 'p.kernelHeight * p.kernelWidth * p.inner' : 'depth',
    /** The line of the epilogue's sums that a tile writes. */
    part: `(${phased ? 'p.firstPart + ' : ''}row0 / ${rows}u)`,
  };
}
