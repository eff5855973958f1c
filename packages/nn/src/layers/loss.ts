import { checkOptions, crossEntropy, mseLoss, type Reduction, type Tensor } from '@initlab/core';

/** Options of `CrossEntropyLoss`. */
export interface CrossEntropyLossOptions {
  /** Share of the target that goes to all classes alike. Default 0. */
  readonly labelSmoothing?: number;
  /** Default `mean`. */
  readonly reduction?: Reduction;
}

/** Cross entropy of logits [N, C] with class indices [N] (PyTorch's `nn.CrossEntropyLoss`). */
export class CrossEntropyLoss {
  constructor(readonly options: CrossEntropyLossOptions = {}) {
    checkOptions<CrossEntropyLossOptions>('CrossEntropyLoss', options, ['labelSmoothing', 'reduction']);
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target, this.options);
  }
}

/** Mean squared error (PyTorch's `nn.MSELoss`). */
export class MSELoss {
  constructor(readonly options: { reduction?: Reduction } = {}) {
    checkOptions<{ reduction?: Reduction }>('MSELoss', options, ['reduction']);
  }
  forward(x: Tensor, target: Tensor): Tensor {
    return mseLoss(x, target, this.options);
  }
}
