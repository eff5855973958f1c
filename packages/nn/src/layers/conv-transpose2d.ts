import { AllOrNothing, type ConvTranspose2dOptions, convTranspose2d, type Tensor } from '@initlab/core';
import { checkedPair, checkFlags, checkNumber, checkOptions, checkOutputPadding } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import type { Conv2dLayerOptions } from './conv2d.js';
import { checkGroups, drawAsTorch } from './product-start.js';

/** Options of `ConvTranspose2d`: those of `convTranspose2d` and, but for the padding, of `Conv2d`. */
export interface ConvTranspose2dLayerOptions
  extends Omit<ConvTranspose2dOptions, 'bias'>,
    Pick<Conv2dLayerOptions, 'kernelSize' | 'bias' | 'device' | 'generator'> {}
const optionNames = ['kernelSize', 'stride', 'padding', 'outputPadding', 'groups', 'bias', 'dilation', 'device', 'generator'] as const;

/** Transposed convolution [N, in, H, W] → [N, out, H', W'] (PyTorch's `nn.ConvTranspose2d`, with its initialisation). */
export class ConvTranspose2d extends Module {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly outputPadding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  /** [in, out / groups, height, width]. */
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: ConvTranspose2dLayerOptions,
  ) {
    super();
    using whole = new AllOrNothing([this]);
    const name = 'ConvTranspose2d';
    checkOptions(name, options, optionNames);
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1, bias, device, generator } = options;
    checkFlags(name, { bias });
    checkNumber(name, { inChannels, outChannels, groups }, { from: 1, whole: true });
    checkGroups(name, { groups, inChannels, outChannels });
    this.kernelSize = checkedPair(name, { kernelSize });
    this.stride = checkedPair(name, { stride });
    this.padding = checkedPair(name, { padding }, 0);
    this.outputPadding = checkedPair(name, { outputPadding }, 0);
    this.dilation = checkedPair(name, { dilation });
    checkOutputPadding(name, this.outputPadding, this);
    this.groups = groups;
    this.weight = new Parameter([inChannels, outChannels / groups, ...this.kernelSize], { device });
    this.bias = bias === false ? undefined : new Parameter([outChannels], { device });
    drawAsTorch(this, generator);
    whole.done();
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, outputPadding, dilation, groups } = this;
    const options = { kernelSize, stride, padding, outputPadding, dilation, groups, bias: this.bias !== undefined };
    return showSettings([inChannels, outChannels], options, {
      stride: 1,
      padding: 0,
      outputPadding: 0,
      dilation: 1,
      groups: 1,
      bias: true,
    });
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, outputPadding, dilation, groups, bias } = this;
    return convTranspose2d(x, this.weight, { bias, stride, padding, outputPadding, dilation, groups });
  }
}
