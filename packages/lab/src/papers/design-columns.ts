import type { ColumnSpec, PartSpec } from './table-spec.js';

/** The recipe of both MLS-Bench tables in words. */
export const designRecipe =
  'SGD 0.1, momentum 0.9, weight decay 5e-4 on every parameter, batch 128, cosine over 200 epochs, random crop and flip, best test accuracy of the run';

/** What the smaller scales change; the recipe itself is `initlab train`'s default. */
export const designScales: PartSpec['at'] = {
  smoke: {
    label: 'small nets, 512 images of the shipped sample, 2 epochs of batch 64',
    settings: { epochs: 2, batchSize: 64, limit: 512 },
  },
  short: { label: 'small nets, 2,560 images of FashionMNIST, 5 epochs', settings: { epochs: 5, limit: 2560 } },
  full: { label: '200 epochs', settings: {} },
};

type Figures = Pick<ColumnSpec, 'bestKnown' | 'spread'>;

/** A net on a dataset; smaller scales train `small` on FashionMNIST, which needs no download where Debian packages it. */
function column(name: string, label: string, settings: ColumnSpec['settings'], small: { arch: string }, figures: Figures): ColumnSpec {
  return {
    name,
    label,
    settings,
    at: {
      smoke: { label: `${small.arch}, FashionMNIST sample`, settings: { ...small, dataset: 'fashion-mnist-sample' } },
      short: { label: `${small.arch}, FashionMNIST`, settings: { ...small, dataset: 'fashion-mnist' } },
    },
    ...figures,
  };
}

/** ResNet-56 on CIFAR-100. Six runs of one recipe have a standard deviation of 0.71: three seeds cannot settle 0.8. */
export const resnet56 = (bestKnown: number): ColumnSpec =>
  column(
    'resnet56-cifar100',
    'ResNet-56, CIFAR-100',
    { arch: 'resnet56', dataset: 'cifar100' },
    { arch: 'resnet8' },
    { bestKnown, spread: 0.71 },
  );
/** ResNet-110 on CIFAR-100. */
export const resnet110 = (bestKnown: number): ColumnSpec =>
  column('resnet110-cifar100', 'ResNet-110, CIFAR-100', { arch: 'resnet110', dataset: 'cifar100' }, { arch: 'resnet14' }, { bestKnown });
/** VGG-16-BN on CIFAR-100; fixup-bn's row, which is kaiming's run again there, lies 0.65 higher. */
export const vgg16 = (bestKnown: number): ColumnSpec =>
  column(
    'vgg16-bn-cifar100',
    'VGG-16-BN, CIFAR-100',
    { arch: 'vgg16-bn', dataset: 'cifar100' },
    { arch: 'vgg11-bn-x0.125' },
    { bestKnown },
  );
/** MobileNetV2 on FashionMNIST. */
export const mobilenet = (bestKnown: number): ColumnSpec =>
  column(
    'mobilenetv2-fashion-mnist',
    'MobileNetV2, FashionMNIST',
    { arch: 'mobilenetv2', dataset: 'fashion-mnist' },
    { arch: 'mobilenetv2-x0.25' },
    { bestKnown },
  );
