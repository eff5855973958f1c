import { AllOrNothing, convTranspose1d, type Tensor } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, checkOutputPadding } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import type { Conv1dLayerOptions } from './conv1d.js';
import { checkGroups, drawAsTorch } from './product-start.js';

/** Options of `ConvTranspose1d`: those of `Conv1d`; `padding` cuts off, and is a number. */
export interface ConvTranspose1dLayerOptions extends Omit<Conv1dLayerOptions, 'padding' | 'paddingMode'> {
  /** Elements cut off on both sides. Default 0. */
  readonly padding?: number | undefined;
  /** Elements more at the end, fewer than the stride or the dilation. Default 0. */
  readonly outputPadding?: number | undefined;
}
const optionNames = ['kernelSize', 'stride', 'padding', 'outputPadding', 'groups', 'bias', 'dilation', 'device', 'generator'] as const;
const defaults = { stride: 1, padding: 0, outputPadding: 0, dilation: 1, groups: 1 };

/** Transposed 1-D convolution [N, in, L] → [N, out, L'] (PyTorch's `nn.ConvTranspose1d`, with its initialisation). */
export class ConvTranspose1d extends Module {
  readonly kernelSize: number;
  readonly options: Readonly<typeof defaults>;
  /** [in, out / groups, length]. */
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: ConvTranspose1dLayerOptions,
  ) {
    super();
    using whole = new AllOrNothing([this]);
    const name = 'ConvTranspose1d';
    checkOptions(name, options, optionNames);
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1, bias, device, generator } = options;
    checkFlags(name, { bias });
    checkNumber(name, { inChannels, outChannels, groups, kernelSize, stride, dilation }, { from: 1, whole: true });
    checkNumber(name, { padding, outputPadding }, { from: 0, whole: true });
    checkGroups(name, { groups, inChannels, outChannels });
    checkOutputPadding(name, [outputPadding], { stride: [stride], dilation: [dilation] });
    this.kernelSize = kernelSize;
    this.options = { stride, padding, outputPadding, dilation, groups };
    this.weight = new Parameter([inChannels, outChannels / groups, kernelSize], { device });
    this.bias = bias === false ? undefined : new Parameter([outChannels], { device });
    drawAsTorch(this, generator);
    whole.done();
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, options } = this;
    const shown = { kernelSize, ...options, bias: this.bias !== undefined };
    return showSettings([inChannels, outChannels], shown, { ...defaults, bias: true });
  }

  override forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, { bias: this.bias, ...this.options });
  }
}
