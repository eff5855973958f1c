import { AllOrNothing, conv1d, OpError, pad, type Tensor } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, showValue } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import type { Conv2dLayerOptions } from './conv2d.js';
import { checkPaddingMode, checkSame, type Ends, endsAround, type PaddingMode, padMode, sameEnds } from './padded-input.js';
import { checkGroups, drawAsTorch } from './product-start.js';

/** Options of `Conv1d`: those of `Conv2d`, with numbers in the place of pairs. */
export interface Conv1dLayerOptions extends Pick<Conv2dLayerOptions, 'paddingMode' | 'groups' | 'bias' | 'device' | 'generator'> {
  /** Length of the kernel. */
  readonly kernelSize: number;
  /** Default 1. */
  readonly stride?: number | undefined;
  /** Elements on both sides. `same` keeps the length (stride 1; of an even kernel one more at the end), `valid` is 0. Default 0. */
  readonly padding?: number | 'same' | 'valid' | undefined;
  /** Elements from one of the kernel to the next. Default 1. */
  readonly dilation?: number | undefined;
}
const optionNames = ['kernelSize', 'stride', 'padding', 'paddingMode', 'dilation', 'groups', 'bias', 'device', 'generator'] as const;

/** 1-D convolution [N, in, L] → [N, out, L'] (PyTorch's `nn.Conv1d`, with its initialisation). */
export class Conv1d extends Module {
  readonly kernelSize: number;
  readonly stride: number;
  /** Before the input. */
  readonly padding: number;
  readonly paddingMode: PaddingMode;
  readonly dilation: number;
  readonly groups: number;
  /** [out, in / groups, length]. */
  weight: Parameter;
  bias: Parameter | undefined;
  /** What lies around the input before the product, which pads with zeros itself. */
  private readonly around: readonly number[] | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: Conv1dLayerOptions,
  ) {
    super();
    using whole = new AllOrNothing([this]);
    const name = 'Conv1d';
    checkOptions(name, options, optionNames);
    const { kernelSize, stride = 1, padding = 0, paddingMode = 'zeros', dilation = 1, groups = 1, bias, device, generator } = options;
    checkFlags(name, { bias });
    checkPaddingMode(name, paddingMode);
    checkNumber(name, { inChannels, outChannels, groups, kernelSize, stride, dilation }, { from: 1, whole: true });
    checkGroups(name, { groups, inChannels, outChannels });
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.dilation = dilation;
    this.groups = groups;
    this.paddingMode = paddingMode;
    const ends = this.ends(padding);
    this.padding = ends[0];
    this.around = endsAround([ends], paddingMode);
    this.weight = new Parameter([outChannels, inChannels / groups, kernelSize], { device });
    this.bias = bias === false ? undefined : new Parameter([outChannels], { device });
    drawAsTorch(this, generator);
    whole.done();
  }

  private ends(padding: number | 'same' | 'valid'): Ends {
    if (padding === 'same') {
      checkSame('Conv1d', [this.stride]);
      return sameEnds(this.kernelSize, this.dilation);
    }
    if (padding === 'valid') return [0, 0];
    if (!Number.isInteger(padding) || padding < 0)
      throw new OpError('Conv1d', `padding is ${showValue(padding)}; give a whole number from 0, "same" or "valid"`);
    return [padding, padding];
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, paddingMode, dilation, groups } = this;
    const options = { kernelSize, stride, padding, paddingMode, dilation, groups, bias: this.bias !== undefined };
    const defaults = { stride: 1, padding: 0, paddingMode: 'zeros', dilation: 1, groups: 1, bias: true };
    return showSettings([inChannels, outChannels], options, defaults);
  }

  override forward(x: Tensor): Tensor {
    const { stride, around, paddingMode, dilation, groups, bias, weight } = this;
    const options = { bias, stride, padding: paddingMode === 'zeros' ? this.padding : 0, dilation, groups };
    if (!around) return conv1d(x, weight, options);
    using wider = pad(x, { pad: around, mode: padMode(paddingMode) });
    return conv1d(wider, weight, options);
  }
}
