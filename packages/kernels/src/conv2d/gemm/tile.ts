import type { Target } from '../../plan.js';
import { checkedTile, isPowerOfTwo, showTile, type Tile, tileThreads } from '../../tile-rules.js';

/** A tile as the kernels take it: forward, input gradient and weight gradient. */
export function gemmTile(tile: Tile): Tile {
  const { m, n, k, threadM, threadN } = tile;
  const threads = tileThreads(tile);
  const turns = (entries: number): boolean => entries < threads || entries % threads === 0;
  return checkedTile(tile, showTile(tile), {
    'all sides are powers of two': [m, n, k, threadM, threadN].every(isPowerOfTwo),
    'an invocation owns whole vectors of 4, both ways': threadM % 4 === 0 && threadN % 4 === 0 && k % 4 === 0,
    'invocations divide the block': m % threadM === 0 && n % threadN === 0,
    'an invocation brings in the same quad of the depth, of columns and of rows in every turn': [k / 4, n / 4, m / 4].every(
      (side) => threads % side === 0,
    ),
    'turns that bring a tile in are whole': turns((m * k) / 4) && turns((n * k) / 4),
  });
}

/** Wide tiles for many channels, tall ones for the few channels of CIFAR networks. All sides are powers of two. */
export const gemmTiles: readonly Tile[] = [
  { m: 128, n: 128, k: 16, threadM: 8, threadN: 8 },
  { m: 128, n: 64, k: 16, threadM: 8, threadN: 8 },
  { m: 64, n: 64, k: 16, threadM: 8, threadN: 4 },
  { m: 256, n: 32, k: 16, threadM: 8, threadN: 8 },
  { m: 128, n: 32, k: 16, threadM: 8, threadN: 4 },
  { m: 64, n: 32, k: 16, threadM: 4, threadN: 4 },
  { m: 32, n: 32, k: 16, threadM: 4, threadN: 4 },
  { m: 256, n: 16, k: 16, threadM: 8, threadN: 4 },
  { m: 64, n: 16, k: 16, threadM: 4, threadN: 4 },
  { m: 128, n: 8, k: 16, threadM: 8, threadN: 4 },
].map(gemmTile);

/** For the reader of a dumped kernel: what a tile's numbers mean. */
export const tileAbout = (tile: Tile): string =>
  `Tile ${showTile(tile)}: a workgroup owns ${tile.m} rows and ${tile.n} columns, and takes ${tile.k} of the depth at a step;
each of its ${tileThreads(tile)} invocations owns ${tile.threadM} rows by ${tile.threadN} columns,`;

/** Vectors of a row of the gathered operand in workgroup memory: one more than its depth, so that rows fall into different banks. */
export const paddedQuads = (tile: Tile): number => tile.k / 4 + 1;

/** The two operand tiles lie in workgroup memory as f32, with two numbers a row and the shares of an epilogue's sums. */
export const tileFits = (tile: Tile, target: Target): boolean => {
  const threads = tileThreads(tile);
  const bytes = tile.m * paddedQuads(tile) * 16 + tile.n * tile.k * 4 + tile.m * 8 + threads * 48;
  return bytes <= target.maxWorkgroupStorage && threads <= target.maxInvocations;
};

/** A tile and the number of parts the depth is cut into; parts are added in order by a second dispatch. */
export interface GemmChoice {
  readonly tile: Tile;
  readonly splits: number;
}

/**
 * The loop that carries `entries` vectors into workgroup memory; `body` handles entry `i`. A GPU unrolls it, so that
 * all loads of an invocation are on their way at once. A driver that compiles for the CPU would take seconds over the
 * unrolled code for no gain, so there the number of turns depends on the invocation.
 */
export function carryLoop(body: string, { entries, threads, rolled }: { entries: number; threads: number; rolled: boolean }): string {
  if (rolled) return `for (var i = lane; i < ${entries}u; i += ${threads}u) { ${body} }`;
  if (entries < threads) return `if (lane < ${entries}u) { let i = lane; ${body} }`;
  return `for (var turn = 0u; turn < ${entries / threads}u; turn++) { let i = lane + turn * ${threads}u; ${body} }`;
}
