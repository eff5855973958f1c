import { OpError } from '@initlab/core';
import { checkDepth } from './check-width.js';

/**
 * Residual blocks in each of the three stages of a net of `perBlock` · n + `extra` layers (default 6: two to a block). Throws for another depth, with the names of the
 * nearest nets that exist.
 */
export function stageBlocks(
  depth: number,
  { extra, perBlock = 6, named }: { extra: number; perBlock?: number; named: (depth: number) => string },
): number {
  checkDepth(named(depth), depth);
  const blocks = (depth - extra) / perBlock;
  if (Number.isInteger(blocks) && blocks >= 1) return blocks;
  const below = Math.max(1, Math.floor(blocks));
  const near = blocks > 1 ? [below, below + 1] : [1];
  const names = near.map((n) => named(perBlock * n + extra)).join(' and ');
  throw new OpError(
    'createModel',
    `there is no ${named(depth)}: such nets have ${perBlock}n + ${extra} layers; nearest ${near.length > 1 ? 'are' : 'is'} ${names}`,
  );
}
