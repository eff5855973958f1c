import { AllOrNothing, conv2d, type Device, type Generator, type Pair, pad, type Tensor } from '@initlab/core';
import { checkedPair, checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { checkPaddingMode, checkSame, type Ends, endsAround, type PaddingMode, padMode, sameEnds } from './padded-input.js';
import { checkGroups, drawAsTorch } from './product-start.js';

/** Options of `Conv2d` and its kin; a pair is [height, width], one number stands for both. */
export interface Conv2dLayerOptions {
  /** Height and width of the kernel. */
  readonly kernelSize: Pair;
  /** Default 1. */
  readonly stride?: Pair | undefined;
  /**
   * Pixels on every side. `same` keeps height and width (stride 1; of an even kernel one more at the bottom and right), `valid` is 0.
   * Default 0.
   */
  readonly padding?: Pair | 'same' | 'valid' | undefined;
  /**
   * What they are: `zeros`; or of the image: `reflect` mirrors it without its edge, `replicate` repeats the edge, `circular` goes on at
   * the other side. Default `zeros`.
   */
  readonly paddingMode?: PaddingMode | undefined;
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

const optionNames = ['kernelSize', 'stride', 'padding', 'paddingMode', 'dilation', 'groups', 'bias', 'device', 'generator'] as const;

/** 2-D convolution [N, in, H, W] → [N, out, H', W'] (PyTorch's `nn.Conv2d`, with its initialisation). */
export class Conv2d extends Module {
  readonly stride: readonly [number, number];
  /** Above and on the left. */
  readonly padding: readonly [number, number];
  readonly paddingMode: PaddingMode;
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly kernelSize: readonly [number, number];
  weight: Parameter;
  bias: Parameter | undefined;
  /** What lies around the input before the product, which pads with zeros itself. */
  private readonly around: readonly number[] | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: Conv2dLayerOptions,
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('Conv2d', options, optionNames);
    const { kernelSize, stride = 1, padding = 0, paddingMode = 'zeros', dilation = 1, groups = 1, bias, device, generator } = options;
    checkFlags('Conv2d', { bias });
    checkPaddingMode('Conv2d', paddingMode);
    checkNumber('Conv2d', { inChannels, outChannels, groups }, { from: 1, whole: true });
    checkGroups('Conv2d', { groups, inChannels, outChannels });
    this.kernelSize = checkedPair('Conv2d', { kernelSize });
    this.stride = checkedPair('Conv2d', { stride });
    this.dilation = checkedPair('Conv2d', { dilation });
    this.paddingMode = paddingMode;
    const [top, left] = this.ends(padding);
    this.padding = [top[0], left[0]];
    this.around = endsAround([top, left], paddingMode);
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

  private ends(padding: Pair | 'same' | 'valid'): readonly [height: Ends, width: Ends] {
    const { kernelSize, stride, dilation } = this;
    if (padding === 'same') {
      checkSame('Conv2d', stride);
      return [sameEnds(kernelSize[0], dilation[0]), sameEnds(kernelSize[1], dilation[1])];
    }
    const [height, width] = checkedPair('Conv2d', { padding: padding === 'valid' ? 0 : padding }, 0);
    return [
      [height, height],
      [width, width],
    ];
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, paddingMode, dilation, groups } = this;
    const options = { kernelSize, stride, padding, paddingMode, dilation, groups, bias: this.bias !== undefined };
    const defaults = { stride: 1, padding: 0, paddingMode: 'zeros', dilation: 1, groups: 1, bias: true };
    return showSettings([inChannels, outChannels], options, defaults);
  }

  override forward(x: Tensor): Tensor {
    const { stride, around, paddingMode, dilation, groups, bias } = this;
    const options = { bias, stride, padding: paddingMode === 'zeros' ? this.padding : 0, dilation, groups };
    if (!around) return conv2d(x, this.effectiveWeight(), options);
    using wider = pad(x, { pad: around, mode: padMode(paddingMode) });
    return conv2d(wider, this.effectiveWeight(), options);
  }
}
