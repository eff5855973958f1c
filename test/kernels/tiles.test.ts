import { gemmTile, gemmTiles, matrixTile, matrixTiles, windowTile } from '@initlab/kernels';
import { expect, it } from 'vitest';

const gemm = { m: 64, n: 64, k: 16, threadM: 8, threadN: 4 };
const matrix = { m: 128, n: 64, k: 32, subgroupM: 64, subgroupN: 32, prefetch: false };

it('tiles that keep to their rules are made', () => {
  for (const tile of gemmTiles) expect(gemmTile(tile)).toBe(tile);
  for (const tile of matrixTiles) expect(matrixTile(tile)).toBe(tile);
  expect(windowTile({ height: 8, width: 32 })).toEqual({ height: 8, width: 32 });
});

it.each([
  [{ m: 48 }, /48x64x16-8x4: all sides are powers of two/],
  [{ threadN: 2 }, /whole vectors of 4/],
  [{ threadM: 128 }, /invocations divide the block/],
  [{ k: 1024 }, /the same quad of the depth/],
  [{ m: 1024, threadM: 256 }, /the same quad/],
])('a gemm tile with %j is refused', (wrong, why) => {
  expect(() => gemmTile({ ...gemm, ...wrong })).toThrow(why);
});

it.each([
  [{ k: 8 }, /128x64x8-64x32: all sides are powers of two from 16/],
  [{ subgroupM: 256 }, /subgroups divide the block/],
])('a tile of matrix units with %j is refused', (wrong, why) => {
  expect(() => matrixTile({ ...matrix, ...wrong })).toThrow(why);
});

it('other windows are refused', () => {
  expect(() => windowTile({ height: 2, width: 8 })).toThrow(/2x8: columns are whole runs/);
  expect(() => windowTile({ height: 12, width: 8 })).toThrow(/powers of two/);
});
