import { carry, loadQuad } from '../../gemm/tile.js';
import { mainOf } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { range, unrolled } from '../../range.js';
import { tilePlace } from '../../tile-place.wgsl.js';
import { type Tile, tileThreads } from '../../tile-rules.js';
import { epilogueCode } from '../shared/epilogue.wgsl.js';
import { gatherAddress } from '../shared/gather-address.wgsl.js';
import { type GatherCode, gatheredType } from '../shared/gather-plan.js';

/** What the text of a gather kernel depends on; `planGatherGemm` says what the kernel does. */
export interface GemmGatherCode extends GatherCode {
  readonly tile: Tile;
  /** Source and result channels come in fours. */
  readonly vectorIn: boolean;
  readonly vectorOut: boolean;
  /** All tiles of filters are whole. */
  readonly whole: boolean;
  /** Loops that a compiler cannot unroll (see `carry`). */
  readonly rolled: boolean;
}

/** Vectors of a row of the gathered operand in workgroup memory: one more than its depth, so that rows fall into different banks. */
const paddedQuads = (tile: Tile): number => tile.k / 4 + 1;

/** The two operand tiles lie in workgroup memory as f32, with two numbers a row and the shares of an epilogue's sums. */
export const tileFits = (tile: Tile, target: Target): boolean => {
  const threads = tileThreads(tile);
  const bytes = tile.m * paddedQuads(tile) * 16 + tile.n * tile.k * 4 + tile.m * 8 + threads * 48;
  return bytes <= target.maxWorkgroupStorage && threads <= target.maxInvocations;
};

/** WGSL of the product: rows are result pixels, columns result channels, the depth taps and source channels. */
export function gatherCode(o: GemmGatherCode): string {
  const { tile } = o;
  const threads = tileThreads(tile);
  const [threadsM, threadsN] = [tile.m / tile.threadM, tile.n / tile.threadN];
  const [depthQuads, columnQuads] = [tile.k / 4, tile.n / 4];
  // Rows of an odd number of vectors: those that a subgroup reads side by side lie in different banks.
  const rowQuads = paddedQuads(tile);
  const rows = range(tile.threadM);
  const quads = range(tile.threadN / 4);
  const out = gatheredType(o);
  const after = epilogueCode(o.epilogue, { threadsM, threadsN, quads: tile.threadN / 4, dtype: out });
  const channel = (j: number): string => `(g * (p.outer / 4u) + column0 + tx + ${j * threadsN}u)`;
  const loadA = loadQuad('source', {
    vector: o.vectorIn,
    here: (e) => `${o.whole ? '' : `dk + ${e}u < last && `}inside(row, t${e})`,
    at: (e) => `(place(row, t${e}) * channels + firstChannel + t${e}.c)${o.vectorIn ? ' / 4u' : ''}`,
  });
  const loadB = loadQuad('filters', {
    vector: true,
    here: !o.whole && (() => 'k < last && quad < width'),
    at: () => '(firstFilter + filterRow(k)) * width + quad',
  });
  const carriedA = {
    entries: tile.m * depthQuads,
    load: `let row = rowStart[i / ${depthQuads}u]; ${loadA}`,
    put: `tileA[${rowQuads === depthQuads ? 'i' : `i + i / ${depthQuads}u`}] = value;`,
  };
  const carriedB = { entries: tile.k * columnQuads, load: `let k = at + i / ${columnQuads}u; ${loadB}`, put: 'tileB[i] = value;' };
  const address = gatherAddress({ ...o, rows: tile.m, threads });
  const product = (e: number): string => `
      ${quads.map((j) => `let w${e}_${j} = tileB[(q * 4u + ${e}u) * ${columnQuads}u + tx + ${j * threadsN}u];`).join(' ')}
      ${rows.map((i) => quads.map((j) => `c${i}_${j} = fma(vec4f(v${i}[${e}]), w${e}_${j}, c${i}_${j});`).join(' ')).join('\n      ')}`;
  const store = (i: number, j: number): string => {
    const column = `(column0 + tx + ${j * threadsN}u)`;
    const sums = address.at(`c${i}_${j}`);
    // An epilogue goes on with a variable, which the next pixel must find as it was.
    const [value, copy] = o.spread ? ['sum', `var sum = ${sums}; `] : [sums, ''];
    if (o.vectorOut) return `if (${column} < width) { ${copy}let at = to / 4u + ${column}; ${after.store(value, j, channel(j))} }`;
    return unrolled(
      4,
      ' ',
      (e) => `if (${column} * 4u + ${e}u < p.outer) { result[to + ${column} * 4u + ${e}u] = ${out}(${sums}[${e}]); }`,
    );
  };
  // Sums start at the bias; past the last channel any value does, it is never stored.
  const start = (j: number): string =>
    o.bias
      ? `vec4f(${unrolled(4, ', ', (e) => `f32(bias[min(g * p.outer + (column0 + tx + ${j * threadsN}u) * 4u + ${e}u, channelsOut - 1u)])`)})`
      : 'vec4f()';
  return `${address.declarations}

// Rows with the depth in vectors, depths with the columns in vectors: neither is transposed on its way here.
var<workgroup> tileA: array<vec4f, ${tile.m * rowQuads}>;
var<workgroup> tileB: array<vec4f, ${tile.k * columnQuads}>;
${after.declarations}

${mainOf(threads)}
  ${address.sizes}
  let channels = p.inner * p.groups;
  let width = (p.outer + 3u) / 4u;
  ${tilePlace({ tile, rows: 'rows', columns: 'p.outer', depth: 'depth', grouped: true, why: 'Columns run fastest: workgroups that read the same pixels run at the same time.' })}

  ${address.starts}

  let firstChannel = g * p.inner;
  let firstFilter = g * ${address.filterLines};
  let quad = column0 + lane % ${columnQuads}u;
  let ty = lane / ${threadsN}u;
  let tx = lane % ${threadsN}u;
  ${o.bias ? 'let channelsOut = p.outer * p.groups;' : ''}
  ${quads.map((j) => `let start${j} = ${start(j)};`).join('\n  ')}
  ${rows.map((i) => quads.map((j) => `var c${i}_${j} = start${j};`).join(' ')).join('\n  ')}
  for (; at < last; at += ${tile.k}u) {
    // An invocation brings in the same quad of the depth of several rows, and the same quad of columns.
    let dk = at + lane % ${depthQuads}u * 4u;
    ${unrolled(o.vectorIn ? 1 : 4, ' ', (e) => `let t${e} = tapOf(dk + ${e}u);`)}
    ${carry([carriedA, carriedB], { threads, rolled: o.rolled })}
    // The tiles are complete before anyone reads them …
    workgroupBarrier();
    for (var q = 0u; q < ${o.rolled ? 'p.depthQuads' : `${depthQuads}u`}; q++) {
      ${rows.map((i) => `let v${i} = tileA[(ty + ${i * threadsM}u) * ${rowQuads}u + q];`).join(' ')}
      ${unrolled(4, '', product)}
    }
    // … and read before anyone overwrites them.
    workgroupBarrier();
  }
  ${after.start}
  ${rows
    .map(
      (i) => `{
    let row = row0 + ty + ${i * threadsM}u;
    if (row < rows) {
      ${address.pixels(`let to = ${o.parts ? 'z / p.groups * (p.batch * p.resultHeight * p.resultWidth * p.groups * p.outer) + ' : ''}(${address.pixel} * p.groups + g) * p.outer;
      ${quads.map((j) => store(i, j)).join(' ')}`)}
    }
  }`,
    )
    .join('\n  ')}
  ${after.finish({
    inside: (j) => `column0 + tx + ${j * threadsN}u < width`,
    channel,
    part: address.part,
    channels: '(p.outer / 4u * p.groups)',
  })}
}`;
}
