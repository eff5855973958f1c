import { AllOrNothing, abs, amax, copyInto, equal, mul, noGrad, rowNorms, scope, sub, type Tensor, weightNorm, where } from '@initlab/core';
import { checkObject } from '@initlab/core/internal';
import { Parameter } from '../module/parameter.js';
import { Conv2d, type Conv2dLayerOptions } from './conv2d.js';
import { Linear, type LinearLayerOptions } from './linear.js';

const gShape = (shape: readonly number[]): number[] => shape.map((d, i) => (i === 0 ? d : 1));

/**
 * A convolution whose weight is g · v / ‖v‖ per output channel (arXiv:1602.07868; PyTorch's `weight_norm` with dim 0:
 * parameters `weight_g`, `weight_v`). v starts as Conv2d's weight would; `resetG` sets g = ‖v‖.
 */
export class WeightNormConv2d extends Conv2d {
  weightG: Parameter;
  weightV: Parameter;

  constructor(inChannels: number, outChannels: number, options: Conv2dLayerOptions) {
    super(inChannels, outChannels, options);
    using whole = new AllOrNothing([this]);
    this.weightV = this.weight;
    this.weightG = new Parameter(gShape(this.weightV.shape), { device: options.device });
    hideWeight(this);
    resetG(this);
    whole.done();
  }
  override effectiveWeight(): Tensor {
    return weightNorm(this.weightV, this.weightG);
  }
}

/** A linear layer whose weight is g · v / ‖v‖ per output. */
export class WeightNormLinear extends Linear {
  weightG: Parameter;
  weightV: Parameter;

  constructor(inFeatures: number, outFeatures: number, options: LinearLayerOptions = {}) {
    super(inFeatures, outFeatures, options);
    using whole = new AllOrNothing([this]);
    this.weightV = this.weight;
    this.weightG = new Parameter(gShape(this.weightV.shape), { device: options.device });
    hideWeight(this);
    resetG(this);
    whole.done();
  }
  override effectiveWeight(): Tensor {
    return weightNorm(this.weightV, this.weightG);
  }
}

/** `weight` is no parameter of its own here: PyTorch lists bias, weight_g, weight_v. */
function hideWeight(layer: object): void {
  Object.defineProperty(layer, 'weight', { enumerable: false });
}

const others = ({ shape }: Tensor): number[] => shape.flatMap((_, i) => (i === 0 ? [] : [i]));

/** Set g = ‖v‖ of every output channel, so that the weight is v itself (PyTorch's state after `weight_norm`). */
export function resetG(layer: WeightNormConv2d | WeightNormLinear): void {
  checkObject('resetG', 'a WeightNormConv2d or WeightNormLinear', layer);
  const { weightG, weightV } = layer;
  noGrad(() => scope(() => void copyInto(weightG, rowNorms(weightV))));
}

/**
 * `resetG` after somebody filled v, which was `former`: a channel of zeros gets its direction back under g = 0, so that its weight
 * is 0 and can be learned. One that is so already and was not filled stays so.
 */
export function settleScales({ weightG, weightV }: WeightNormConv2d | WeightNormLinear, former: Tensor): void {
  noGrad(() =>
    scope(() => {
      const size = rowNorms(weightV);
      const untouched = equal(amax(abs(sub(weightV, former)), { dims: others(weightV), keepdim: true }), 0);
      copyInto(weightG, where(mul(untouched, equal(weightG, 0)), 0, size));
      copyInto(weightV, where(equal(size, 0), former, weightV));
    }),
  );
}
