import type { Target } from '../plan.js';
import { checkedTile, isPowerOfTwo } from '../tile-rules.js';
import type { MatrixUnit } from './unit.js';

/** Block of the result a workgroup owns (m × n), its depth along k, and the part of it one subgroup computes. */
export interface MatrixTile {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroupM: number;
  readonly subgroupN: number;
  /** The next step's operands are fetched into registers while this one's are multiplied. */
  readonly prefetch: boolean;
}

/** A tile as the kernels take it; whether it suits a unit and an adapter, `matrixTileFits` says. */
export function matrixTile(tile: MatrixTile): MatrixTile {
  const { m, n, k, subgroupM, subgroupN } = tile;
  const sides = [m, n, k, subgroupM, subgroupN];
  return checkedTile(tile, `${m}x${n}x${k}-${subgroupM}x${subgroupN}`, {
    'all sides are powers of two from 16': sides.every((side) => isPowerOfTwo(side) && side >= 16),
    'subgroups divide the block': m % subgroupM === 0 && n % subgroupN === 0,
  });
}

/** Wide tiles for many channels, tall ones for the few channels of CIFAR networks. All sides are powers of two from 16. */
export const matrixTiles: readonly MatrixTile[] = [
  { m: 128, n: 128, k: 32, subgroupM: 64, subgroupN: 64, prefetch: false },
  { m: 128, n: 128, k: 32, subgroupM: 64, subgroupN: 32, prefetch: true },
  { m: 128, n: 64, k: 32, subgroupM: 64, subgroupN: 32, prefetch: false },
  { m: 128, n: 64, k: 32, subgroupM: 64, subgroupN: 32, prefetch: true },
  { m: 64, n: 64, k: 32, subgroupM: 32, subgroupN: 32, prefetch: false },
  { m: 64, n: 64, k: 32, subgroupM: 32, subgroupN: 32, prefetch: true },
  { m: 128, n: 32, k: 32, subgroupM: 32, subgroupN: 32, prefetch: false },
  { m: 128, n: 32, k: 32, subgroupM: 32, subgroupN: 32, prefetch: true },
  { m: 64, n: 32, k: 32, subgroupM: 32, subgroupN: 16, prefetch: false },
  { m: 256, n: 16, k: 16, subgroupM: 64, subgroupN: 16, prefetch: false },
  { m: 256, n: 16, k: 32, subgroupM: 64, subgroupN: 16, prefetch: false },
  { m: 128, n: 16, k: 32, subgroupM: 32, subgroupN: 16, prefetch: false },
  { m: 128, n: 16, k: 32, subgroupM: 32, subgroupN: 16, prefetch: true },
  { m: 128, n: 16, k: 16, subgroupM: 64, subgroupN: 16, prefetch: false },
  { m: 64, n: 16, k: 32, subgroupM: 16, subgroupN: 16, prefetch: false },
].map(matrixTile);

/** How a product is computed: tile, unit, and whether its f32 operands are split in two halves each (docs/numerics.md). */
export interface MatrixShape {
  readonly tile: MatrixTile;
  readonly unit: MatrixUnit;
  readonly split: boolean;
}

/**
 * Direction along which an operand tile is contiguous in workgroup memory, as in storage: `depth` is [side][k], `side`
 * is [k][side], where the side is m or n.
 */
export type Contiguous = 'depth' | 'side';

const matrixSubgroups = (tile: MatrixTile): number => (tile.m / tile.subgroupM) * (tile.n / tile.subgroupN);
export const matrixThreads = ({ tile, unit }: MatrixShape): number => matrixSubgroups(tile) * unit.subgroupSize;
export const showMatrixTile = (tile: MatrixTile): string =>
  `${tile.m}x${tile.n}x${tile.k}-${tile.subgroupM}x${tile.subgroupN}${tile.prefetch ? '-prefetch' : ''}`;

/** For the reader of a dumped kernel: what a tile's numbers mean. */
export const matrixAbout = ({ tile }: MatrixShape): string =>
  `Tile ${showMatrixTile(tile)}: a workgroup owns ${tile.m} rows and ${tile.n} columns, and takes ${tile.k} of the depth at a step;
each of its ${matrixSubgroups(tile)} subgroups owns ${tile.subgroupM} rows by ${tile.subgroupN} columns, as matrices in registers.`;

/** A shape as variants are named, and its parts as kernels' keys show them. */
export const showMatrixShape = ({ tile, unit, split }: MatrixShape): string =>
  `${showMatrixTile(tile)}-u${unit.m}x${unit.n}x${unit.k}s${unit.subgroupSize}${split ? '-halves' : ''}${unit.typed ? '-typed' : ''}`;

const showUnit = (unit: MatrixUnit): string => `${unit.m}x${unit.n}x${unit.k}s${unit.subgroupSize}${unit.typed ? '-typed' : ''}`;
export const showShape = { tile: showMatrixTile, unit: showUnit } as const;

/** Distance of an operand's lines in vectors of eight halves: one more than they fill, so that lines start in other banks. */
export const lineVectors = (length: number): number => length / 8 + 1;

/** Vectors of one operand in workgroup memory; a split operand takes them twice. */
const operandVectors = (side: number, k: number, contiguous: Contiguous): number =>
  contiguous === 'depth' ? side * lineVectors(k) : k * lineVectors(side);

/** The strip in which results leave, in vectors of four f32: one row of units of every row of subgroups, all columns. */
export const stripRows = ({ tile, unit }: MatrixShape): number => (tile.m / tile.subgroupM) * unit.m;
export const stripVectors = (tile: MatrixTile): number => tile.n / 4 + 1;

/** Where everything lies in workgroup memory, in vectors of 16 bytes. Operands and strips take turns there, unless it is typed. */
export function matrixMemory(shape: MatrixShape, a: Contiguous, b: Contiguous) {
  const { tile, split } = shape;
  const planes = split ? 2 : 1;
  const [planeA, planeB] = [operandVectors(tile.m, tile.k, a), operandVectors(tile.n, tile.k, b)];
  const strip = stripRows(shape) * stripVectors(tile);
  const [operands, strips] = [planes * (planeA + planeB), planes * strip];
  return {
    planeA,
    planeB,
    startB: planes * planeA,
    operands,
    strips,
    vectors: shape.unit.typed ? operands + strips : Math.max(operands, strips),
  };
}

/** Whether a tile suits the unit and the limits; `extra` is workgroup memory in bytes beside the operands. */
export function matrixTileFits(shape: MatrixShape, target: Target, extra: number): boolean {
  const { tile, unit, split } = shape;
  const ways = (['depth', 'side'] as const).flatMap((a) => (['depth', 'side'] as const).map((b) => matrixMemory(shape, a, b).vectors * 16));
  // A split product keeps two sums each: more than 64 × 32 of them do not fit the registers of a subgroup.
  const sums = tile.subgroupM * tile.subgroupN * (split ? 2 : 1);
  return (
    tile.subgroupM % unit.m === 0 &&
    tile.subgroupN % unit.n === 0 &&
    tile.k % unit.k === 0 &&
    sums <= 4096 &&
    matrixThreads(shape) <= target.maxInvocations &&
    // An invocation owns the same octet of every line it brings in, and the same quad of every row it writes.
    [tile.m / 8, tile.n / 8, tile.k / 8, tile.n / 4].every((part) => matrixThreads(shape) % part === 0) &&
    Math.max(...ways) + extra <= target.maxWorkgroupStorage
  );
}
