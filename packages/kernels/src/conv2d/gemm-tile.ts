import type { Target } from '../plan.js';

/** Block of the result a workgroup owns (m × n), its depth along k, and the part of it one invocation computes. */
export interface GemmTile {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly threadM: number;
  readonly threadN: number;
}

/** Wide tiles for many channels, tall ones for the few channels of CIFAR networks. All sides are powers of two. */
export const gemmTiles: readonly GemmTile[] = [
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
];

export const tileThreads = (tile: GemmTile): number => (tile.m / tile.threadM) * (tile.n / tile.threadN);
export const showTile = (tile: GemmTile): string => `${tile.m}x${tile.n}x${tile.k}-${tile.threadM}x${tile.threadN}`;

/** Vectors of a row of the gathered operand in workgroup memory: one more than its depth, so that rows fall into different banks. */
export const paddedQuads = (tile: GemmTile): number => tile.k / 4 + 1;

/** The two operand tiles lie in workgroup memory as f32, with two numbers a row and the shares of an epilogue's sums. */
export const tileFits = (tile: GemmTile, target: Target): boolean => {
  const threads = tileThreads(tile);
  const bytes = tile.m * paddedQuads(tile) * 16 + tile.n * tile.k * 4 + tile.m * 8 + threads * 48;
  return bytes <= target.maxWorkgroupStorage && threads <= target.maxInvocations;
};

/** A tile and the number of parts the depth is cut into; parts are added in order by a second dispatch. */
export interface GemmChoice {
  readonly tile: GemmTile;
  readonly splits: number;
}

/** `count` numbers from 0, for unrolled code. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

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
