import { Tensor } from '@initlab/core';
import { Sequential } from '../../layers/containers.js';
import { Conv2d } from '../../layers/conv2d.js';
import { Linear } from '../../layers/linear.js';
import type { Module } from '../../module.js';

/** A residual block as strategies see it, found by its fields: nn knows no architecture. */
export interface ResidualBlock {
  readonly kind: 'basic' | 'inverted';
  readonly module: Module;
  readonly lastConv: Conv2d;
  /** The norm that ends the branch, where one does: in pre-activation blocks the last norm stands before a convolution. */
  readonly lastNorm: Module | undefined;
  /** Convolution on the shortcut, where the shapes differ. */
  readonly shortcut: Conv2d | undefined;
}

const firstConv = (module: unknown): Conv2d | undefined => {
  if (module instanceof Conv2d) return module;
  return module instanceof Sequential ? module.modules().find((m): m is Conv2d => m instanceof Conv2d) : undefined;
};

/**
 * Blocks that add their input, in order: `conv1`, `conv2`, `bn2` and `shortcut` (BasicBlock; `preActivation` says that norms
 * come first), or a `conv` Sequential with `residual` true (MobileNetV2). Blocks that only transform are none: zeroing or
 * scaling their end would cut the net in two.
 */
export function residualBlocks(model: Module): ResidualBlock[] {
  return model.modules().flatMap((module): ResidualBlock[] => {
    const fields = module as unknown as Record<string, unknown>;
    if (fields.conv1 instanceof Conv2d && fields.conv2 instanceof Conv2d && 'shortcut' in fields) {
      const lastNorm = fields.preActivation === true ? undefined : (fields.bn2 as Module | undefined);
      return [{ kind: 'basic', module, lastConv: fields.conv2, lastNorm, shortcut: firstConv(fields.shortcut) }];
    }
    if (fields.conv instanceof Sequential && fields.residual === true) {
      const lastConv = fields.conv
        .modules()
        .filter((m): m is Conv2d => m instanceof Conv2d)
        .at(-1);
      if (lastConv) return [{ kind: 'inverted', module, lastConv, lastNorm: fields.conv.layers.at(-1), shortcut: undefined }];
    }
    return [];
  });
}

/** A block with its place in its stage, the run of blocks it stands in. */
export interface PlacedBlock {
  readonly block: ResidualBlock;
  /** From 1. */
  readonly index: number;
  /** Blocks of the stage. */
  readonly blocks: number;
}

/** Blocks with their stages: the Sequentials that hold them. */
export function blockStages(model: Module): PlacedBlock[] {
  const found = residualBlocks(model);
  const placed = new Map<ResidualBlock, PlacedBlock>();
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
  return model.modules().flatMap((module) => {
    if (module instanceof Conv2d || module instanceof Linear) return [];
    const { weight, bias } = module as unknown as { weight?: unknown; bias?: unknown };
    return weight instanceof Tensor && weight.ndim === 1 ? [{ weight, bias: bias instanceof Tensor ? bias : undefined }] : [];
  });
}
