import { OpError } from '@initlab/core';
import { checkDepth } from './check-width.js';

/**
 * Residual blocks in each of the three stages of a net of 6n + `extra` layers. Throws for another depth, with the names of the
 * nearest nets that exist.
 */
export function stageBlocks(depth: number, { extra, named }: { extra: number; named: (depth: number) => string }): number {
  checkDepth(named(depth), depth);
  const blocks = (depth - extra) / 6;
  if (Number.isInteger(blocks) && blocks >= 1) return blocks;
  const below = Math.max(1, Math.floor(blocks));
  const near = blocks > 1 ? [below, below + 1] : [1];
  const names = near.map((n) => named(6 * n + extra)).join(' and ');
  throw new OpError(
    'createModel',
    `there is no ${named(depth)}: such nets have 6n + ${extra} layers; nearest ${near.length > 1 ? 'are' : 'is'} ${names}`,
  );
}
