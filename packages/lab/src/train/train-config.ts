import { InitlabError } from '@initlab/core';
import { unknownName } from '@initlab/core/internal';
import { datasetNames } from '@initlab/data';
import { defaultNorm, modelImageSize } from '@initlab/models';
import * as z from 'zod';
import { toldFault } from '../files/told-fault.js';
import { optimizerNames } from './optimizers.js';
import { type SettingsOrigin, showSetting } from './settings-origin.js';

const positive = z.number().positive();
const count = z.number().int().positive();

/**
 * Everything that decides what a training writes. The defaults are the recipe of init-design (MLS-Bench): SGD 0.1 with
 * momentum 0.9 and weight decay 5e-4 on every parameter, batch 128, cosine over all epochs, crop and flip.
 */
export const trainConfigSchema = z.strictObject({
  /** Name of a model of the zoo. */
  arch: z.string().default('resnet56'),
  /** A dataset by name, or `folder`: PNG and JPEG files by class, in the folder that `--data-dir` names. */
  dataset: z.enum([...datasetNames, 'folder']).default('cifar100'),
  /** Share of a folder's images that is its test set, always the same ones, where it has none of its own. Left out: it must have one. */
  testShare: z.number().gt(0).lt(1).optional(),
  /** A registered initialisation, or a file of one's own. */
  init: z.string().default('kaiming'),
  /** A registered norm, or a file of one's own. Where it is left out, the model's own: `batch`, or `none` for nets designed without. */
  norm: z.string().optional(),
  epochs: count.default(200),
  seed: z.number().int().min(0).default(42),
  batchSize: count.default(128),
  optimizer: z.enum(optimizerNames).default('sgd'),
  lr: positive.default(0.1),
  /** Of SGD. */
  momentum: z.number().min(0).default(0.9),
  nesterov: z.boolean().default(false),
  weightDecay: z.number().min(0).default(5e-4),
  /** Learning rate by epoch: half a cosine to 0 at the last epoch, or the same throughout, or × gamma at milestones. */
  schedule: z.enum(['cosine', 'constant', 'multistep']).default('cosine'),
  /** Of multistep, in epochs; one below 1 is a share of all epochs. */
  milestones: z.array(positive).default([]),
  gamma: positive.default(0.1),
  /** Epochs of warm-up before the schedule begins, counted step by step, from `warmupFactor` × lr up to lr. */
  warmupEpochs: z.number().int().min(0).default(0),
  /** Straight, or with the square of the progress (arXiv:1906.02341). */
  warmup: z.enum(['linear', 'quadratic']).default('linear'),
  warmupFactor: z.number().min(0).max(1).default(0.1),
  /** Scale each step's gradient so that its norm is at most this; null for never. */
  clipNorm: positive.nullable().default(null),
  /** Parts a batch is computed in, one after another, whose gradients add: the same step in less memory. */
  miniBatches: count.default(1),
  /** `mixed`: f16 activations and products, with dynamic loss scaling, where the adapter has f16; else f32. */
  precision: z.enum(['f32', 'mixed']).default('f32'),
  labelSmoothing: z.number().min(0).max(1).default(0),
  /** Times lr for parameters of one number (scales and scalar biases), as Fixup has it. */
  scalarLr: positive.default(1),
  /** Height and width of the images that the model sees. Where it is left out, what the model was designed for: 32, or 224 for `imagenet-…`. */
  imageSize: count.optional(),
  /** How images come to that size: resized (bilinear), or padded with black. */
  fit: z.enum(['resize', 'pad']).default('resize'),
  /** Normalisation of x / 255, per channel or one for all; null for the dataset's own. */
  mean: z.array(z.number()).min(1).nullable().default(null),
  std: z.array(positive).min(1).nullable().default(null),
  /** RandomCrop with an eighth of the size as padding (of 32: 4) and RandomHorizontalFlip. */
  augment: z.boolean().default(true),
  /** Side of Cutout's square; 0 for none. */
  cutout: z.number().int().min(0).default(0),
  /** M of RandAugment, from 0 to 30, and N, how many changes an image gets one after another (2 where it is left out). Left out: none. */
  randAugment: z.number().int().min(0).max(30).optional(),
  randAugmentOps: count.max(64).optional(),
  /** How far brightness, contrast, saturation and hue are changed, in this order; one number is of the first three. Left out: none. */
  colorJitter: z
    .array(z.number().min(0))
    .min(1)
    .max(4)
    .refine(([, , , hue = 0]) => hue <= 0.5, 'the fourth, of hue, is 0.5 at most: half a turn of the colour wheel')
    .optional(),
  /** α of mixup and of CutMix, which mix the images of a batch and their labels; of both, one is drawn for each batch. Left out: none. */
  mixup: z.number().min(0).optional(),
  cutmix: z.number().min(0).optional(),
  /** Share of the training images kept back for validation, without augmentation; the test set is read at its best epoch. */
  validation: z.number().min(0).max(0.9).default(0),
  /** Images of each split at most, the first ones, of a folder evenly from all; null for all. */
  limit: count.nullable().default(null),
  /** Steps at most; null for all epochs'. */
  maxSteps: count.nullable().default(null),
  /** Look inside the net at initialisation and whenever so many further steps were made; null for never. Changes no other number. */
  probe: count.nullable().default(null),
});

/** Of a configuration that has none. */
export const usualImageSize = 32;

export type TrainConfig = z.infer<typeof trainConfigSchema> & { readonly norm: string };
export type TrainSettings = z.input<typeof trainConfigSchema>;

/** Settings that are lists; where there is one number, as a sweep's grid gives it, it is a list of that. */
const lists = ['milestones', 'mean', 'std', 'colorJitter'] satisfies (keyof TrainSettings)[];
const asLists = (settings: object): object =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'number' && lists.some((list) => list === name) ? [value] : value,
    ]),
  );

/** Fill in the defaults. Throws naming every setting that is unknown or out of range. */
export function trainConfig(settings: object, from: SettingsOrigin): TrainConfig {
  const parsed = trainConfigSchema.safeParse(asLists(settings));
  if (parsed.success) {
    const { norm, imageSize, mixup, cutmix, colorJitter, ...others } = parsed.data;
    const { arch } = others;
    const size = imageSize ?? modelImageSize(arch);
    // What is as in runs of before there was a choice stays unsaid, as it is in theirs.
    const chosen = {
      ...(size === usualImageSize ? {} : { imageSize: size }),
      ...(colorJitter?.some((range) => range > 0) ? { colorJitter } : {}),
      ...(mixup ? { mixup } : {}),
      ...(cutmix ? { cutmix } : {}),
    };
    return { ...others, norm: norm ?? defaultNorm(arch), ...chosen };
  }
  const faults = parsed.error.issues.map((issue) => {
    const [setting] = issue.path;
    if (typeof setting === 'string')
      return `${showSetting(setting, (settings as Readonly<Record<string, unknown>>)[setting], from)}: ${toldFault(issue)}`;
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
    return `${from.origin}: ${unknown.map((key) => unknownName('setting', key, Object.keys(trainConfigSchema.shape))).join('; ') || toldFault(issue)}`;
  });
  throw new InitlabError(faults.join('; '));
}
