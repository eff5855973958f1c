import { mul, reshape, type Tensor } from '@initlab/core';
import type { Parameter } from '@initlab/nn';

/** A residual branch times its learned factor ([1] or [C]), where an initialisation has added one. */
export const scaledBranch = (branch: Tensor, scale: Tensor | undefined): Tensor =>
  scale ? mul(branch, reshape(scale, [1, scale.size, 1, 1])) : branch;

/** How an initialisation gives a block's branch its factor, in the place of one that it had. */
export const setScaleOf =
  (block: { residualScale: Parameter | undefined }) =>
  (scale: Parameter): void => {
    block.residualScale?.dispose();
    block.residualScale = scale;
  };
