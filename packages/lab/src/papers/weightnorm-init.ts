import type { TrainSettings } from '../train/train-config.js';
import { type ColumnSpec, meanOf, one, type Published, type RowSpec, type Scale, type TableSpec } from './table-spec.js';
import { figures } from './weightnorm-figures.js';

const nets = ['cifar10-resnet56', 'cifar10-resnet110', 'cifar10-wrn40-10-cutout', 'cifar100-resnet164-cutout'] as const;
const cifar = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/** He et al.'s schedule for 45,000 images, and Zagoruyko & Komodakis'; rate and decay are those papers' too, since this one gives none. */
const resnet: TrainSettings = { schedule: 'multistep', milestones: [91, 136], gamma: 0.1, weightDecay: 1e-4, ...cifar };
const wide: TrainSettings = { schedule: 'multistep', milestones: [60, 120, 160], gamma: 0.2, weightDecay: 5e-4, nesterov: true, ...cifar };

function column(name: (typeof nets)[number], label: string, settings: TrainSettings, small: string): ColumnSpec {
  const sized = (dataset: TrainSettings['dataset']): TrainSettings => ({
    arch: small,
    dataset,
    mean: null,
    std: null,
    // The same shares of fewer epochs.
    milestones: settings.gamma === 0.2 ? [0.3, 0.6, 0.8] : [0.455, 0.68],
  });
  return {
    name,
    label,
    settings,
    at: {
      smoke: { label: `${small}, FashionMNIST sample`, settings: sized('fashion-mnist-sample') },
      short: { label: `${small}, FashionMNIST`, settings: sized('fashion-mnist') },
    },
  };
}

const columns = [
  column('cifar10-resnet56', 'ResNet-56, CIFAR-10', { ...resnet, arch: 'plain-resnet56', dataset: 'cifar10' }, 'plain-resnet8'),
  column('cifar10-resnet110', 'ResNet-110, CIFAR-10', { ...resnet, arch: 'plain-resnet110', dataset: 'cifar10' }, 'plain-resnet14'),
  column(
    'cifar10-wrn40-10-cutout',
    'WRN-40-10, CIFAR-10, Cutout',
    { ...wide, arch: 'wrn40-10', dataset: 'cifar10', cutout: 16 },
    'wrn10-1',
  ),
  column(
    'cifar100-resnet164-cutout',
    'ResNet-164, CIFAR-100, Cutout',
    { ...resnet, arch: 'plain-resnet164', dataset: 'cifar100', cutout: 16 },
    'plain-resnet20',
  ),
];

/** A row with its published test errors in the columns' order. */
function row(name: string, settings: TrainSettings, published: readonly Published[]): RowSpec {
  const cells = published.map((validatedError, i) => [nets[i] as string, { validatedError }] as const);
  return { name, settings, published: Object.fromEntries(cells) };
}
/** The paper gives means and deviations, not how many runs they are of; its other tables have three. */
const of = (mean: number, std: number): Published => meanOf(3, mean, std);

const scales: Readonly<Record<Scale, { label: string; settings: TrainSettings }>> = {
  smoke: {
    label: 'small nets, 512 images of the shipped sample, 2 epochs of batch 64',
    settings: { epochs: 2, batchSize: 64, limit: 512 },
  },
  short: { label: 'small nets, 10,000 images of FashionMNIST, 10 epochs', settings: { epochs: 10, limit: 10_000 } },
  full: { label: '200 epochs', settings: {} },
};
const proposed = { init: 'wn-orthogonal-proposed', norm: 'weight' } as const;

/** Robust initialisation for WeightNorm and ResNets: its result table, then its figures. */
export const weightNormInit: TableSpec = {
  id: 'weightnorm-init',
  title: 'Robust initialisation for WeightNorm and ResNets',
  source:
    'Arpit, Campos & Bengio, arXiv:1906.02341: SGD, a tenth of the training images kept for validation, test error at the best validation epoch',
  publishedLabel: 'arXiv:1906.02341',
  seeds: [1, 2, 3],
  parts: [
    {
      name: 'results',
      title: 'Test error by initialisation',
      rowLabel: 'initialisation',
      baseline: 'datadep',
      recipe: { validation: 0.1, lr: 0.1 },
      at: scales,
      columns,
      metrics: ['validatedError', 'lastTest'],
      rows: [
        row('datadep', { init: 'wn-orthogonal-datadep', norm: 'weight' }, [of(9.19, 0.24), of(9.33, 0.1), of(6.1, 0.23), of(30.26, 0.51)]),
        row('proposed', proposed, [of(7.87, 0.14), of(7.71, 0.14), of(4.74, 0.14), of(27.3, 0.49)]),
        row('proposed + warm-up', { ...proposed, warmupEpochs: 1, warmup: 'quadratic', warmupFactor: 0.01 }, [
          of(7.2, 0.12),
          of(6.69, 0.11),
          of(4.75, 0.08),
          of(25.31, 0.26),
        ]),
        row('batch norm', { init: 'kaiming-fan-in', norm: 'batch' }, [one(6.97), of(6.61, 0.16), of(3.53, 0.38), of(25.52, 0.17)]),
      ],
    },
    ...figures,
  ],
};
