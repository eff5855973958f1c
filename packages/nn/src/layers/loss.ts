import { crossEntropy, mseLoss, type Reduction, type Tensor } from '@initlab/core';

/** Cross entropy of logits [N, C] with class indices [N] (PyTorch's `nn.CrossEntropyLoss`). */
export class CrossEntropyLoss {
  constructor(readonly options: { labelSmoothing?: number; reduction?: Reduction } = {}) {}
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target, this.options);
  }
}

/** Mean squared error (PyTorch's `nn.MSELoss`). */
export class MSELoss {
  constructor(readonly options: { reduction?: Reduction } = {}) {}
  forward(x: Tensor, target: Tensor): Tensor {
    return mseLoss(x, target, this.options);
  }
}
