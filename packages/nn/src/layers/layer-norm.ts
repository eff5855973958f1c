import { AllOrNothing, type Device, imagesOfRows, layerNorm, OpError, pixelRows, rmsNorm, type Tensor } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, checkSizes, checkTensors, showShape } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { affineParameters, checkNormOptions, type NormLayerOptions, normOptionNames } from './norm-options.js';

/** Layer normalisation over the last dimensions, whose sizes it takes (one may be a number); same shape out (PyTorch's `nn.LayerNorm`). */
export class LayerNorm extends Module {
  readonly eps: number;
  readonly normalizedShape: readonly number[];
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: NormLayerOptions = {}) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('LayerNorm', options, normOptionNames);
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    checkSizes('LayerNorm', { normalizedShape });
    const { device, affine = true, eps = 1e-5 } = options;
    checkNormOptions('LayerNorm', { eps, affine });
    this.eps = eps;
    [this.weight, this.bias] = affineParameters(this.normalizedShape, { affine, device });
    whole.done();
  }

  override extraRepr(): string {
    return showSettings([this.normalizedShape], { eps: this.eps, affine: this.weight !== undefined }, { eps: 1e-5, affine: true });
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, { normalizedShape: this.normalizedShape, weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/**
 * Layer normalisation of each pixel of [N, C, H, W] over its channels, same shape out (torchvision's and timm's `LayerNorm2d`;
 * ConvNeXt, arXiv:2201.03545): unlike `GroupNorm` of one group, which normalises over the whole image.
 */
export class LayerNorm2d extends LayerNorm {
  constructor(numChannels: number, options: NormLayerOptions = {}) {
    checkNumber('LayerNorm2d', { numChannels }, { from: 1, whole: true });
    super(numChannels, options);
  }
  override forward(x: Tensor): Tensor {
    const { normalizedShape, weight, bias, eps } = this;
    checkTensors('LayerNorm2d', { x });
    if (x.ndim !== 4 || x.shape[1] !== normalizedShape[0])
      throw new OpError('LayerNorm2d', `takes [N, ${normalizedShape[0]}, H, W], got ${showShape(x.shape)}`);
    using whole = new AllOrNothing();
    return whole.done(imagesOfRows(layerNorm(pixelRows(x), { normalizedShape, weight, bias, eps }), x.shape));
  }
}

/** Options of `RMSNorm`. */
export interface RMSNormLayerOptions {
  /** Added to the mean of squares. Default 2⁻²³, f32's rounding. */
  readonly eps?: number | undefined;
  /** Learn a weight, 1 at first; default true. */
  readonly elementwiseAffine?: boolean | undefined;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
}

/** x over the root of its mean square in the last dimensions, same shape out (PyTorch's `nn.RMSNorm`; arXiv:1910.07467). */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  weight: Parameter | undefined;
  constructor(normalizedShape: number | readonly number[], options: RMSNormLayerOptions = {}) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('RMSNorm', options, ['eps', 'elementwiseAffine', 'device']);
    checkSizes('RMSNorm', { normalizedShape });
    const { eps = 2 ** -23, elementwiseAffine = true, device } = options;
    checkNumber('RMSNorm', { eps }, { from: 0 });
    checkFlags('RMSNorm', { elementwiseAffine });
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(this.normalizedShape, { device, value: 1 }) : undefined;
    whole.done();
  }
  override extraRepr(): string {
    return showSettings([[...this.normalizedShape]], { eps: this.eps }, { eps: 2 ** -23 });
  }
  override forward(x: Tensor): Tensor {
    return rmsNorm(x, { normalizedShape: this.normalizedShape, weight: this.weight, eps: this.eps });
  }
}
