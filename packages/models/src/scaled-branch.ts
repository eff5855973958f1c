import { mul, reshape, type Tensor } from '@initlab/core';

/** A residual branch times its learned factor ([1] or [C]), where an initialisation has added one. */
export const scaledBranch = (branch: Tensor, scale: Tensor | undefined): Tensor =>
  scale ? mul(branch, reshape(scale, [1, scale.size, 1, 1])) : branch;
