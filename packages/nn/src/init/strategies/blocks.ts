import { Tensor } from '@initlab/core';
import { Sequential } from '../../layers/containers.js';
import { Conv2d } from '../../layers/conv2d.js';
import { Linear } from '../../layers/linear.js';
import type { Module } from '../../module.js';

/** A residual block as strategies see it, found by its fields: nn knows no architecture. */
export interface ResidualBlock {
  readonly kind: 'basic' | 'inverted';
  readonly lastConv: Conv2d;
  /** The norm after the last convolution, where there is one. */
  readonly lastNorm: Module | undefined;
  /** Convolution on the shortcut, where the shapes differ. */
  readonly shortcut: Conv2d | undefined;
}

const firstConv = (module: unknown): Conv2d | undefined => {
  if (module instanceof Conv2d) return module;
  return module instanceof Sequential ? module.modules().find((m): m is Conv2d => m instanceof Conv2d) : undefined;
};

/** Blocks in order: `conv1`, `conv2`, `bn2` and `shortcut` (BasicBlock), or a `conv` Sequential with `residual` (MobileNetV2). */
export function residualBlocks(model: Module): ResidualBlock[] {
  return model.modules().flatMap((module): ResidualBlock[] => {
    const fields = module as unknown as Record<string, unknown>;
    if (fields.conv1 instanceof Conv2d && fields.conv2 instanceof Conv2d && 'shortcut' in fields)
      return [{ kind: 'basic', lastConv: fields.conv2, lastNorm: fields.bn2 as Module | undefined, shortcut: firstConv(fields.shortcut) }];
    if (fields.conv instanceof Sequential && typeof fields.residual === 'boolean') {
      const lastConv = fields.conv
        .modules()
        .filter((m): m is Conv2d => m instanceof Conv2d)
        .at(-1);
      if (lastConv) return [{ kind: 'inverted', lastConv, lastNorm: fields.conv.layers.at(-1), shortcut: undefined }];
    }
    return [];
  });
}

/** Modules that scale and shift per channel: a one-dimensional weight, and no convolution or linear layer. */
export function affineNorms(model: Module): { weight: Tensor; bias: Tensor | undefined }[] {
  return model.modules().flatMap((module) => {
    if (module instanceof Conv2d || module instanceof Linear) return [];
    const { weight, bias } = module as unknown as { weight?: unknown; bias?: unknown };
    return weight instanceof Tensor && weight.ndim === 1 ? [{ weight, bias: bias instanceof Tensor ? bias : undefined }] : [];
  });
}
