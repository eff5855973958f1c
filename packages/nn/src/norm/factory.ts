import { type Device, OpError } from '@initlab/core';
import { checkNumber, showValue } from '@initlab/core/internal';
import { Conv2d, type Conv2dLayerOptions } from '../layers/conv2d.js';
import type { Module } from '../module/module.js';

/** Makes a convolution; what `new Conv2d` takes. */
export type ConvolutionFactory = (inChannels: number, outChannels: number, options: Conv2dLayerOptions) => Conv2d;

/** Makes the norm put after a convolution of `numFeatures` channels: [N, C, H, W] → [N, C, H, W]. */
export interface NormFactory {
  (numFeatures: number, options?: { device?: Device | undefined }): Module;
  /** The convolution this norm goes with, where it is not a plain one (weight norm, weight standardisation). */
  readonly convolution?: ConvolutionFactory;
  /** The convolution does it all and no layer follows; models with norms before their convolutions have none then. */
  readonly inWeights?: boolean;
}

/** The convolution a norm follows: models make theirs by this, so that a norm may bring its own. */
export function normConv2d(norm: NormFactory, inChannels: number, outChannels: number, options: Conv2dLayerOptions): Conv2d {
  if (typeof norm !== 'function')
    throw new OpError('normConv2d', `takes a norm's factory, such as normFactory('batch'), got ${showValue(norm)}`);
  return norm.convolution ? norm.convolution(inChannels, outChannels, options) : new Conv2d(inChannels, outChannels, options);
}

/** A class of one's own as a factory: `new Norm(numFeatures, { device })`. */
export const normOf =
  (Norm: new (numFeatures: number, options?: { device?: Device | undefined }) => Module): NormFactory =>
  (numFeatures, options) =>
    new Norm(numFeatures, options);

/** The benchmark's rule: 32 groups, or the largest number below that divides the channels. Throws for no whole number from 1. */
export function groupsFor(channels: number): number {
  // Of NaN no number is a divisor, and the search would have no end.
  checkNumber('groupsFor', { channels }, { from: 1, whole: true });
  let groups = Math.min(32, channels);
  while (channels % groups !== 0) groups--;
  return groups;
}
