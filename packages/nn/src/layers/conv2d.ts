import { conv2d, type Device, type Generator, type Pair, type Tensor } from '@initlab/core';
import { kaimingUniform_, uniform_ } from '../init/index.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';

export interface Conv2dLayerOptions {
  readonly kernelSize: Pair;
  readonly stride?: Pair | undefined;
  readonly padding?: Pair | undefined;
  readonly dilation?: Pair | undefined;
  readonly groups?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  readonly device?: Device | undefined;
  readonly generator?: Generator | undefined;
}

const pair = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

/** 2-D convolution [N, in, H, W] → [N, out, H', W'] (PyTorch's `nn.Conv2d`, with its initialisation). */
export class Conv2d extends Module {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly kernelSize: readonly [number, number];
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: Conv2dLayerOptions,
  ) {
    super();
    const { groups = 1, device, generator } = options;
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new Error(`Conv2d: groups ${groups} must divide ${inChannels} input and ${outChannels} output channels`);
    this.kernelSize = pair(options.kernelSize);
    this.stride = pair(options.stride ?? 1);
    this.padding = pair(options.padding ?? 0);
    this.dilation = pair(options.dilation ?? 1);
    this.groups = groups;
    this.weight = new Parameter([outChannels, inChannels / groups, ...this.kernelSize], { device });
    this.bias = options.bias === false ? undefined : new Parameter([outChannels], { device });
    kaimingUniform_(this.weight, { a: Math.sqrt(5), generator });
    if (this.bias) {
      const bound = 1 / Math.sqrt((inChannels / groups) * this.kernelSize[0] * this.kernelSize[1]);
      uniform_(this.bias, { a: -bound, b: bound, generator });
    }
  }

  /** The weight the product uses; weight normalisation and standardisation override it. */
  effectiveWeight(): Tensor {
    return this.weight;
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, bias } = this;
    return conv2d(x, this.effectiveWeight(), { bias, stride, padding, dilation, groups });
  }
}
