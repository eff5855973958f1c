import type { Figure } from '../tables/result-table.js';

/** A value published per row and column, with where it comes from. */
export interface ReferenceTable<Row extends string, Column extends string> {
  /** What these numbers are, for the heading of a column. */
  readonly label: string;
  /** Who published them, and under which recipe. */
  readonly source: string;
  /** The published table leaves some cells empty. */
  readonly rows: Readonly<Record<Row, Readonly<Partial<Record<Column, Figure>>>>>;
}

const one = (mean: number): Figure => ({ mean, seeds: 1 });
const three = (mean: number, std: number): Figure => ({ mean, std, seeds: 3 });
/** The mean and spread of two runs we have ourselves. */
const two = (a: number, b: number): Figure => ({ mean: (a + b) / 2, std: Math.abs(a - b) / Math.SQRT2, seeds: 2 });

/** Rows of `cnn-init`: the initialisations of simple-cnn. */
export type CnnInitStrategy = 'default' | 'zero' | 'random' | 'xavier' | 'kaiming';
/** `loss`: mean training loss of the last epoch; `accuracy`: test accuracy after it, in per cent. */
export type CnnInitColumn = 'loss' | 'accuracy';

/** `cnn-init` as published, on CIFAR-10. */
export const cnnInitPublished: ReferenceTable<CnnInitStrategy, CnnInitColumn> = {
  label: 'CIFAR-10, 8 epochs',
  source: 'TorchLeet exercise on CNN weight initialisation: simple-cnn, batch 64, Adam 1e-3, 8 epochs, no augmentation',
  rows: {
    default: { loss: one(0.277), accuracy: one(71.13) },
    zero: { loss: one(2.3027), accuracy: one(10.0) },
    random: { loss: one(57.34), accuracy: one(28.92) },
    xavier: { loss: one(0.1859), accuracy: one(70.12) },
    kaiming: { loss: one(0.1984), accuracy: one(68.98) },
  },
};

/** `cnn-init` on all of FashionMNIST by PyTorch 2.11, measured by us with two seeds. */
export const cnnInitFashionMnist: ReferenceTable<CnnInitStrategy, CnnInitColumn> = {
  label: 'PyTorch 2.11 on FashionMNIST, 8 epochs, 2 seeds',
  source:
    'measured for initlab with PyTorch 2.11: recipe of the CIFAR-10 table, images zero-padded from 28 × 28 to 32 × 32, repeated to 3 channels, then (x − 0.5) / 0.5',
  rows: {
    default: { loss: one(0.095), accuracy: two(91.92, 91.55) },
    zero: { loss: one(2.3027), accuracy: one(10.0) },
    random: { loss: two(72.5, 93.2), accuracy: two(84.69, 84.39) },
    xavier: { loss: one(0.088), accuracy: two(91.44, 91.75) },
    kaiming: { loss: one(0.087), accuracy: two(90.58, 91.13) },
  },
};

/** Rows of `init-design`: initialisations. */
export type InitDesignRow = 'kaiming' | 'orthogonal' | 'fixup-bn' | 'dars' | 'davs' | 'best-known';
/** Columns of `init-design`: a model on a dataset. */
export type InitDesignColumn = 'resnet56-cifar100' | 'vgg16-bn-cifar100' | 'mobilenetv2-fashion-mnist';

/** `init-design`: best test accuracy of 200 epochs in per cent. */
export const initDesignPublished: ReferenceTable<InitDesignRow, InitDesignColumn> = {
  label: 'MLS-Bench, 200 epochs, seeds 42, 123, 456',
  source:
    'MLS-Bench dl-weight-initialization: SGD 0.1, momentum 0.9, weight decay 5e-4, batch 128, cosine over 200 epochs, crop and flip; dars, davs and best-known are single seeds',
  rows: {
    kaiming: row3([72.14, 0.32], [73.69, 0.45], [94.58, 0.11]),
    orthogonal: row3([72.06, 0.14], [73.98, 1.07], [94.34, 0.4]),
    'fixup-bn': row3([72.53, 0.31], [74.34, 0.12], [94.64, 0.16]),
    dars: { 'resnet56-cifar100': one(72.61) },
    davs: { 'resnet56-cifar100': one(72.22) },
    'best-known': {
      'resnet56-cifar100': one(72.99),
      'vgg16-bn-cifar100': one(74.89),
      'mobilenetv2-fashion-mnist': one(94.85),
    },
  },
};

function row3(...cells: [number, number][]): Record<InitDesignColumn, Figure> {
  const [resnet, vgg, mobilenet] = cells.map(([mean, std]) => three(mean, std)) as [Figure, Figure, Figure];
  return { 'resnet56-cifar100': resnet, 'vgg16-bn-cifar100': vgg, 'mobilenetv2-fashion-mnist': mobilenet };
}

/** Rows of `norm-design`: normalisation layers. */
export type NormDesignRow = 'group' | 'batch-instance' | 'switchable' | 'gated-group' | 'skip-scaled-group' | 'best-known';
/** Columns of `norm-design`: a model on a dataset. */
export type NormDesignColumn = 'resnet56-cifar100' | 'resnet110-cifar100' | 'mobilenetv2-fashion-mnist';

/** `norm-design`: best test accuracy of 200 epochs in per cent. */
export const normDesignPublished: ReferenceTable<NormDesignRow, NormDesignColumn> = {
  label: 'MLS-Bench, 200 epochs, three seeds',
  source:
    'MLS-Bench dl-normalization: recipe of init-design with kaiming initialisation; gated-group, skip-scaled-group and best-known are single seeds',
  rows: {
    group: {
      'resnet56-cifar100': three(67.89, 0.41),
      'resnet110-cifar100': three(69.98, 0.4),
      'mobilenetv2-fashion-mnist': three(93.2, 0.2),
    },
    'batch-instance': {
      'resnet56-cifar100': three(66.69, 0.57),
      'resnet110-cifar100': three(68.78, 0.27),
      'mobilenetv2-fashion-mnist': three(93.53, 0.11),
    },
    switchable: {
      'resnet56-cifar100': three(69.15, 0.19),
      'resnet110-cifar100': three(70.08, 0.44),
      'mobilenetv2-fashion-mnist': three(94.21, 0.17),
    },
    'gated-group': { 'resnet56-cifar100': one(67.14) },
    'skip-scaled-group': { 'resnet56-cifar100': one(63.7) },
    'best-known': {
      'resnet56-cifar100': one(72.39),
      'resnet110-cifar100': one(74.86),
      'mobilenetv2-fashion-mnist': one(94.66),
    },
  },
};

/** Rows of `weightnorm-init`: a dataset and a net, with Cutout where named. */
export type WeightNormNet = 'cifar10-resnet56' | 'cifar10-resnet110' | 'cifar10-wrn40-10-cutout' | 'cifar100-resnet164-cutout';
/** Columns of `weightnorm-init`: how a weight-normalised net was initialised, and batch norm beside it. */
export type WeightNormColumn = 'datadep' | 'proposed' | 'proposed-warmup' | 'batch-norm';
const spread = (mean: number, std: number): Figure => ({ mean, std });

/** `weightnorm-init`: test error in per cent (lower is better). */
export const weightNormInitPublished: ReferenceTable<WeightNormNet, WeightNormColumn> = {
  label: 'arXiv:1906.02341, test error',
  source: 'Arpit, Campos, Bengio: How to Initialize your Network? Robust Initialization for WeightNorm & ResNets, arXiv:1906.02341',
  rows: {
    'cifar10-resnet56': {
      datadep: spread(9.19, 0.24),
      proposed: spread(7.87, 0.14),
      'proposed-warmup': spread(7.2, 0.12),
      'batch-norm': { mean: 6.97 },
    },
    'cifar10-resnet110': {
      datadep: spread(9.33, 0.1),
      proposed: spread(7.71, 0.14),
      'proposed-warmup': spread(6.69, 0.11),
      'batch-norm': spread(6.61, 0.16),
    },
    'cifar10-wrn40-10-cutout': {
      datadep: spread(6.1, 0.23),
      proposed: spread(4.74, 0.14),
      'proposed-warmup': spread(4.75, 0.08),
      'batch-norm': spread(3.53, 0.38),
    },
    'cifar100-resnet164-cutout': {
      datadep: spread(30.26, 0.51),
      proposed: spread(27.3, 0.49),
      'proposed-warmup': spread(25.31, 0.26),
      'batch-norm': spread(25.52, 0.17),
    },
  },
};
