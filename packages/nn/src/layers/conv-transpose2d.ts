import {
  AllOrNothing,
  checkedPair,
  checkFlags,
  checkNumber,
  checkOptions,
  convTranspose2d,
  type Device,
  type Generator,
  OpError,
  type Pair,
  type Tensor,
} from '@initlab/core';
import { kaimingUniform_, uniform_ } from '../init/index.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';

/** Options of `ConvTranspose2d`; a pair is [height, width], one number stands for both. */
export interface ConvTranspose2dLayerOptions {
  /** Height and width of the kernel. */
  readonly kernelSize: Pair;
  /** Default 1. */
  readonly stride?: Pair | undefined;
  /** Pixels cut off on every side. Default 0. */
  readonly padding?: Pair | undefined;
  /** Pixels more at the bottom and right, fewer than the stride. Default 0. */
  readonly outputPadding?: Pair | undefined;
  /** Default 1. */
  readonly groups?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default 1. */
  readonly dilation?: Pair | undefined;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Draws the initial weights. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}
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
    checkOptions<ConvTranspose2dLayerOptions>(name, options, optionNames);
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1, bias, device, generator } = options;
    checkFlags(name, { bias });
    checkNumber(name, { inChannels, outChannels, groups }, { from: 1, whole: true });
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new OpError(name, `groups ${groups} must divide ${inChannels} input and ${outChannels} output channels`);
    this.kernelSize = checkedPair(name, { kernelSize });
    this.stride = checkedPair(name, { stride });
    this.padding = checkedPair(name, { padding }, 0);
    this.outputPadding = checkedPair(name, { outputPadding }, 0);
    this.dilation = checkedPair(name, { dilation });
    if (this.outputPadding.some((more, i) => more >= (this.stride[i] as number)))
      throw new OpError(name, `outputPadding ${this.outputPadding} must be below the stride ${this.stride}`);
    this.groups = groups;
    this.weight = new Parameter([inChannels, outChannels / groups, ...this.kernelSize], { device });
    this.bias = bias === false ? undefined : new Parameter([outChannels], { device });
    kaimingUniform_(this.weight, { a: Math.sqrt(5), generator });
    if (this.bias) {
      const bound = 1 / Math.sqrt((outChannels / groups) * this.kernelSize[0] * this.kernelSize[1]);
      uniform_(this.bias, { a: -bound, b: bound, generator });
    }
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
