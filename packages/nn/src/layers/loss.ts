import {
  checkOptions,
  checkTensorOptions,
  type CrossEntropyOptions,
  crossEntropy,
  mseLoss,
  type Reduction,
  type Tensor,
} from '@initlab/core';

/** Options of `CrossEntropyLoss`: those of `crossEntropy`. */
export type CrossEntropyLossOptions = CrossEntropyOptions;

/**
 * Cross entropy of logits [N, C] with class indices [N] or class probabilities [N, C], with class weights, an ignored class and label
 * smoothing (PyTorch's `nn.CrossEntropyLoss`; shapes and errors as `crossEntropy`).
 */
export class CrossEntropyLoss {
  constructor(readonly options: CrossEntropyLossOptions = {}) {
    checkOptions<CrossEntropyLossOptions>('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'labelSmoothing', 'reduction']);
    checkTensorOptions('CrossEntropyLoss', { weight: options.weight });
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
