import { carry, loadQuad } from '../../gemm/tile.js';
import { range, unrolled } from '../../range.js';
import { checkedTile, isPowerOfTwo } from '../../tile-rules.js';
import type { Epilogue } from '../shared/epilogue.js';
import { epilogueCode } from '../shared/epilogue.wgsl.js';

/** Result pixels of an invocation, one below the other, and its output channels. */
export const pixelsEach = 4;
export const outputsEach = 16;
/** Source channels in workgroup memory at a time. */
export const channelChunk = 16;

/** Rectangle of result pixels that a workgroup computes. */
export interface WindowTile {
  readonly height: number;
  readonly width: number;
}

/** A tile as the kernel takes it. */
export const windowTile = (tile: WindowTile): WindowTile =>
  checkedTile(tile, `${tile.height}x${tile.width}`, {
    'both sides are powers of two: an epilogue joins its sums by halves': [tile.height, tile.width].every(isPowerOfTwo),
    'columns are whole runs of the pixels that an invocation owns': tile.height % pixelsEach === 0,
  });

/** What the text of a window kernel depends on; `planWindow` says what the kernel does. */
export interface WindowCode {
  readonly tile: WindowTile;
  readonly kernel: readonly [number, number];
  readonly outer: number;
  /** Taps run backwards, as an input gradient meets them. */
  readonly flip: boolean;
  readonly dtype: 'f32' | 'f16';
  readonly stored: 'f32' | 'f16';
  /** Type of the bias, where there is one. */
  readonly bias: 'f32' | 'f16' | false;
  readonly epilogue: Epilogue;
  /** Loops that a compiler cannot unroll (see `carry`). */
  readonly rolled: boolean;
}

/** Invocations side by side over the tile, and blocks of output channels. */
const cells = ({ tile }: WindowCode): number => (tile.height / pixelsEach) * tile.width;
const outputBlocks = ({ outer }: WindowCode): number => outer / outputsEach;
export const windowThreads = (o: WindowCode): number => cells(o) * outputBlocks(o);

const margin = ({ tile, kernel }: WindowCode): [number, number] => [tile.height + kernel[0] - 1, tile.width + kernel[1] - 1];

/** Bytes of workgroup memory: the pixels with their margin, the filters, an invocation's share of an epilogue's sums. */
export function windowMemory(o: WindowCode): number {
  const [height, width] = margin(o);
  return height * width * channelChunk * 4 + o.kernel[0] * o.kernel[1] * channelChunk * o.outer * 4 + windowThreads(o) * 48;
}

/**
 * WGSL of the product. Workgroup memory holds one chunk of source channels: `pixels` [quad of channels][row][column] with
 * the margin that the taps need, `weights` [tap][channel][quad of outputs]. An invocation owns 4 pixels of a column and 16
 * outputs: the rows that its window's column crosses are loaded once for all taps, side by side with its neighbours', and
 * the weights are the same for all invocations of a subgroup.
 */
export function windowCode(o: WindowCode): string {
  const { tile, kernel, outer, stored } = o;
  const [tapRows, tapColumns] = kernel;
  const [height, width] = margin(o);
  const threads = windowThreads(o);
  const [chunkQuads, quads, outerQuads] = [channelChunk / 4, outputsEach / 4, outer / 4];
  const blocks = outputBlocks(o);
  const after = epilogueCode(o.epilogue, { threadsM: cells(o), threadsN: blocks, quads, dtype: stored });
  const channel = (j: number): string => `(tx * ${quads}u + ${j}u)`;
  const start = (j: number): string => (o.bias ? `vec4f(${unrolled(4, ', ', (e) => `f32(bias[${channel(j)} * 4u + ${e}u])`)})` : 'vec4f()');
  const tap = (r: number): string => (o.flip ? `${(tapRows - 1 - r) * tapColumns + tapColumns - 1}u - s` : `${r * tapColumns}u + s`);
  const products = range(tapRows).map((r) =>
    unrolled(4, '\n        ', (c) => {
      const weight = (j: number): string =>
        `weights[((${tap(r)}) * ${channelChunk}u + q * 4u + ${c}u) * ${outerQuads}u + tx * ${quads}u + ${j}u]`;
      return unrolled(
        quads,
        '\n        ',
        (j) => `{ let w = ${weight(j)}; ${unrolled(pixelsEach, ' ', (i) => `c${i}_${j} = fma(vec4f(v${i + r}[${c}]), w, c${i}_${j});`)} }`,
      );
    }),
  );
  const loadPixel = loadQuad('source', {
    vector: true,
    here: () => 'sy < p.sourceHeight && sx < p.sourceWidth',
    at: () => '((n * p.sourceHeight + sy) * p.sourceWidth + sx) * innerQuads + first + q',
  });
  // Channels run fastest, as they lie in memory.
  const carriedPixels = {
    entries: height * width * chunkQuads,
    load: `let q = i % ${chunkQuads}u;
      let sy = y0 + i / ${chunkQuads * width}u + p.beginY;
      let sx = x0 + i / ${chunkQuads}u % ${width}u + p.beginX;
      ${loadPixel}`,
    put: `pixels[(i % ${chunkQuads}u * ${height}u + i / ${chunkQuads * width}u) * ${width}u + i / ${chunkQuads}u % ${width}u] = value;`,
  };
  const carriedWeights = {
    entries: tapRows * tapColumns * channelChunk * outerQuads,
    load: `let at = i / ${channelChunk * outerQuads}u * p.inner + first * 4u + i / ${outerQuads}u % ${channelChunk}u;
      let value = vec4f(filters[at * ${outerQuads}u + i % ${outerQuads}u]);`,
    put: 'weights[i] = value;',
  };
  return `
var<workgroup> pixels: array<vec4f, ${height * width * chunkQuads}>;
var<workgroup> weights: array<vec4f, ${tapRows * tapColumns * channelChunk * outerQuads}>;
${after.declarations}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let block = wid.x + wid.y * nwg.x;
  let tilesX = p.width / ${tile.width}u;
  let tiles = tilesX * (p.height / ${tile.height}u);
  let n = block / tiles;
  if (n >= p.batch) { return; }
  let y0 = block % tiles / tilesX * ${tile.height}u;
  let x0 = block % tilesX * ${tile.width}u;
  // Invocations of a subgroup share a block of outputs, and so the weights they read.
  let ty = index % ${cells(o)}u;
  let tx = index / ${cells(o)}u;
  let lane = ty * ${blocks}u + tx;
  let cellX = ty % ${tile.width}u;
  let cellY = ty / ${tile.width}u * ${pixelsEach}u;
  let innerQuads = p.inner / 4u;
  ${unrolled(quads, ' ', (j) => `let start${j} = ${start(j)};`)}
  ${unrolled(pixelsEach, '\n  ', (i) => unrolled(quads, ' ', (j) => `var c${i}_${j} = start${j};`))}
  for (var first = 0u; first < innerQuads; first += ${chunkQuads}u) {
    ${carry([carriedPixels, carriedWeights], { threads, rolled: o.rolled, lane: 'index' })}
    // Pixels and weights are complete before anyone reads them …
    workgroupBarrier();
    for (var q = 0u; q < ${chunkQuads}u; q++) {
      for (var s = 0u; s < ${tapColumns}u; s++) {
        let at = (q * ${height}u + cellY) * ${width}u + cellX + s;
        ${unrolled(pixelsEach + tapRows - 1, ' ', (k) => `let v${k} = pixels[at + ${k * width}u];`)}
        ${products.join('\n        ')}
      }
    }
    // … and read before anyone overwrites them.
    workgroupBarrier();
  }
  ${after.start}
  ${unrolled(
    pixelsEach,
    '\n  ',
    (i) => `{
    let to = ((n * p.height + y0 + cellY + ${i}u) * p.width + x0 + cellX) * ${outerQuads}u;
    ${unrolled(quads, '\n    ', (j) => `{ let at = to + ${channel(j)}; ${after.store(`c${i}_${j}`, j, channel(j))} }`)}
  }`,
  )}
  ${after.finish({ inside: () => 'true', channel, part: 'block', channels: `${outerQuads}u` })}
}`;
}
