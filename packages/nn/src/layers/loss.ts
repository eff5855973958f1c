import {
  type BinaryCrossEntropyOptions,
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  type KlDivOptions,
  klDiv,
  type LossOptions,
  l1Loss,
  mseLoss,
  type NllLossOptions,
  nllLoss,
  smoothL1Loss,
  type Tensor,
} from '@initlab/core';
import { checkFlags, checkOptions, checkTensorOptions } from '@initlab/core/internal';

/** Options of `CrossEntropyLoss`: those of `crossEntropy`. */
export type CrossEntropyLossOptions = CrossEntropyOptions;

/**
 * Cross entropy of logits [N, C] with class indices [N] or class probabilities [N, C], with class weights, an ignored class and label
 * smoothing (PyTorch's `nn.CrossEntropyLoss`; shapes and errors as `crossEntropy`).
 */
export class CrossEntropyLoss {
  constructor(readonly options: CrossEntropyLossOptions = {}) {
    checkOptions('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'labelSmoothing', 'reduction']);
    checkTensorOptions('CrossEntropyLoss', { weight: options.weight });
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target, this.options);
  }
}

/** Negative log likelihood of log probabilities [N, C] or [N, C, d₁, …] (PyTorch's `nn.NLLLoss`; shapes and errors as `nllLoss`). */
export class NLLLoss {
  constructor(readonly options: NllLossOptions = {}) {
    checkOptions('NLLLoss', options, ['weight', 'ignoreIndex', 'reduction']);
    checkTensorOptions('NLLLoss', { weight: options.weight });
  }
  forward(x: Tensor, target: Tensor): Tensor {
    return nllLoss(x, target, this.options);
  }
}

/** Mean squared error (PyTorch's `nn.MSELoss`). */
export class MSELoss {
  constructor(readonly options: LossOptions = {}) {
    checkOptions('MSELoss', options, ['reduction']);
  }
  forward(x: Tensor, target: Tensor): Tensor {
    return mseLoss(x, target, this.options);
  }
}

/** Mean absolute error (PyTorch's `nn.L1Loss`). */
export class L1Loss {
  constructor(readonly options: LossOptions = {}) {
    checkOptions('L1Loss', options, ['reduction']);
  }
  forward(x: Tensor, target: Tensor): Tensor {
    return l1Loss(x, target, this.options);
  }
}

/** Squares below `beta` and absolute errors above (PyTorch's `nn.SmoothL1Loss`). */
export class SmoothL1Loss {
  constructor(readonly options: LossOptions & { readonly beta?: number } = {}) {
    checkOptions('SmoothL1Loss', options, ['reduction', 'beta']);
  }
  forward(x: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(x, target, this.options);
  }
}

/** Cross entropy of independent yes-or-no answers, from their logits (PyTorch's `nn.BCEWithLogitsLoss`). */
export class BCEWithLogitsLoss {
  constructor(readonly options: BinaryCrossEntropyOptions = {}) {
    checkOptions('BCEWithLogitsLoss', options, ['reduction', 'posWeight']);
    checkTensorOptions('BCEWithLogitsLoss', { posWeight: options.posWeight });
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(logits, target, this.options);
  }
}

/** Kullback-Leibler divergence (PyTorch's `nn.KLDivLoss`). */
export class KLDivLoss {
  constructor(readonly options: KlDivOptions = {}) {
    checkOptions('KLDivLoss', options, ['reduction', 'logTarget']);
    checkFlags('KLDivLoss', { logTarget: options.logTarget });
  }
  forward(x: Tensor, target: Tensor): Tensor {
    return klDiv(x, target, this.options);
  }
}
