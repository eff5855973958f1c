import {
  AllOrNothing,
  checkedPair,
  checkFlags,
  checkNumber,
  checkOptions,
  conv2d,
  type Device,
  type Generator,
  OpError,
  type Pair,
  type Tensor,
} from '@initlab/core';
import { showSettings } from '../module/show-settings.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { checkGroups, drawAsTorch } from './product-start.js';

/** Options of `Conv2d` and its kin; a pair is [height, width], one number stands for both. */
export interface Conv2dLayerOptions {
  /** Height and width of the kernel. */
  readonly kernelSize: Pair;
  /** Default 1. */
  readonly stride?: Pair | undefined;
  /** Zeros on every side. `same` keeps height and width (stride 1, odd kernel), `valid` is 0. Default 0. */
  readonly padding?: Pair | 'same' | 'valid' | undefined;
  /** Pixels from one element of the kernel to the next. Default 1. */
  readonly dilation?: Pair | undefined;
  /** Parts of the channels that are convolved apart; divides both counts. `inChannels` is depthwise. Default 1. */
  readonly groups?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Draws the initial weights. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

const optionNames = ['kernelSize', 'stride', 'padding', 'dilation', 'groups', 'bias', 'device', 'generator'] as const;

/** `same` as PyTorch has it, where both sides get as much. */
function samePadding({ kernelSize, stride, dilation }: Pick<Conv2d, 'kernelSize' | 'stride' | 'dilation'>): readonly [number, number] {
  if (stride.some((s) => s !== 1))
    throw new OpError('Conv2d', `padding "same" needs a stride of 1, got ${stride.join(', ')}; give numbers`);
  const sides = kernelSize.map((k, i) => ((k - 1) * (dilation[i] as number)) / 2);
  if (!sides.every(Number.isInteger))
    throw new OpError('Conv2d', `padding "same" needs an odd kernel, got ${kernelSize.join(', ')}; pad() one side of the input more`);
  return sides as [number, number];
}

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
    using whole = new AllOrNothing([this]);
    checkOptions('Conv2d', options, optionNames);
    const { kernelSize, stride = 1, padding = 0, dilation = 1, groups = 1, bias, device, generator } = options;
    checkFlags('Conv2d', { bias });
    checkNumber('Conv2d', { inChannels, outChannels, groups }, { from: 1, whole: true });
    checkGroups('Conv2d', { groups, inChannels, outChannels });
    this.kernelSize = checkedPair('Conv2d', { kernelSize });
    this.stride = checkedPair('Conv2d', { stride });
    this.dilation = checkedPair('Conv2d', { dilation });
    this.padding = padding === 'same' ? samePadding(this) : checkedPair('Conv2d', { padding: padding === 'valid' ? 0 : padding }, 0);
    this.groups = groups;
    this.weight = new Parameter([outChannels, inChannels / groups, ...this.kernelSize], { device });
    this.bias = bias === false ? undefined : new Parameter([outChannels], { device });
    drawAsTorch(this, generator);
    whole.done();
  }

  /** The weight the product uses; weight normalisation and standardisation override it. */
  effectiveWeight(): Tensor {
    return this.weight;
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, groups } = this;
    const options = { kernelSize, stride, padding, dilation, groups, bias: this.bias !== undefined };
    return showSettings([inChannels, outChannels], options, { stride: 1, padding: 0, dilation: 1, groups: 1, bias: true });
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, bias } = this;
    return conv2d(x, this.effectiveWeight(), { bias, stride, padding, dilation, groups });
  }
}
