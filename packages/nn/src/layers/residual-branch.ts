import type { Module } from '../module/module.js';
import type { Parameter } from '../module/parameter.js';
import type { Conv2d } from './conv2d.js';

/** What a block that adds its input says of the branch beside it; initialisations of residual nets go by it. */
export interface ResidualBranch {
  /** `basic`: whole convolutions (BasicBlock); `inverted`: expand, depthwise, project (MobileNetV2). */
  readonly kind: 'basic' | 'inverted';
  readonly lastConv: Conv2d;
  /** The norm that ends the branch, where one does: in pre-activation blocks the last norm stands before a convolution. */
  readonly lastNorm: Module | undefined;
  /** Convolution on the shortcut, where the shapes differ. */
  readonly shortcutConv: Conv2d | undefined;
  /**
   * Multiply the branch by a learned factor, [1] or [C], before the sum, in place of the one it has; some initialisations add one.
   * Absent where the block cannot.
   */
  readonly setScale?: (scale: Parameter) => void;
}

/**
 * What a residual block implements, so that strategies need not know an architecture:
 * `class MyBlock extends Module implements ResidualBlock`.
 */
export interface ResidualBlock {
  /** Undefined where the block only transforms: to zero or scale its end would cut the net in two. */
  readonly residualBranch: ResidualBranch | undefined;
}

/** The branch of a block without norms as Fixup wants it (Zhang, Dauphin & Ma, arXiv:1901.09321): a factor at its end, scalar biases. */
export interface FixupBranch {
  readonly firstConv: Conv2d;
  readonly lastConv: Conv2d;
  readonly scale: Parameter;
}

/** A block that the initialisation `fixup` knows. */
export interface FixupResidualBlock {
  readonly fixupBranch: FixupBranch;
}

/** What a module says of its residual branch, if it has one. */
export const residualBranchOf = (module: Module & Partial<ResidualBlock>): ResidualBranch | undefined => module.residualBranch;

export const fixupBranchOf = (module: Module & Partial<FixupResidualBlock>): FixupBranch | undefined => module.fixupBranch;
