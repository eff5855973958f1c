import { Tensor } from '@initlab/core';
import { Sequential } from '../layers/containers.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { type ResidualBranch, residualBranchOf } from '../layers/residual-branch.js';
import { checkModule, type Module } from '../module/module.js';

/** A block that adds its input, and what it says of its branch. */
export interface FoundBlock extends ResidualBranch {
  readonly module: Module;
}

/** The blocks that implement `ResidualBlock` and add their input, in order. */
export function residualBlocks(model: Module): FoundBlock[] {
  checkModule('residualBlocks', model);
  return model.modules().flatMap((module) => {
    const branch = residualBranchOf(module);
    return branch ? [{ ...branch, module }] : [];
  });
}

/** A block with its place in its stage, the run of blocks it stands in. */
export interface PlacedBlock {
  readonly block: FoundBlock;
  /** From 1. */
  readonly index: number;
  /** Blocks of the stage. */
  readonly blocks: number;
}

/** Blocks with their stages: the Sequentials that hold them. */
export function blockStages(model: Module): PlacedBlock[] {
  const found = residualBlocks(model);
  const placed = new Map<FoundBlock, PlacedBlock>();
  for (const stage of model.modules()) {
    if (!(stage instanceof Sequential)) continue;
    const own = stage.layers.flatMap((layer) => found.filter((block) => block.module === layer));
    own.forEach((block, i) => {
      placed.set(block, { block, index: i + 1, blocks: own.length });
    });
  }
  return found.map((block) => placed.get(block) ?? { block, index: 1, blocks: 1 });
}

/** Modules that scale and shift per channel: a one-dimensional weight, and no convolution or linear layer. */
export function affineNorms(model: Module): { weight: Tensor; bias: Tensor | undefined }[] {
  checkModule('affineNorms', model);
  return model.modules().flatMap((module) => {
    if (module instanceof Conv2d || module instanceof Linear) return [];
    const { weight, bias } = module as unknown as { weight?: unknown; bias?: unknown };
    return weight instanceof Tensor && weight.ndim === 1 ? [{ weight, bias: bias instanceof Tensor ? bias : undefined }] : [];
  });
}
