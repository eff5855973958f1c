import type { TrainSettings } from '../train/train-config.js';
import { type ColumnSpec, one, type PartSpec, type RowSpec } from './table-spec.js';

const weightNorm = (init: string, more: TrainSettings = {}): TrainSettings => ({ init, norm: 'weight', ...more });
const proposedRow: RowSpec = { name: 'proposed', settings: weightNorm('wn-orthogonal-proposed') };
const datadepRow: RowSpec = { name: 'datadep', settings: weightNorm('wn-orthogonal-datadep') };

/** A column for each value on the axis. Values up to `smokeTo` are part of the smoke scale. */
function axis(values: readonly number[], settings: (value: number) => TrainSettings, smokeTo: number, small = settings): ColumnSpec[] {
  return values.map((value) => ({
    name: String(value),
    label: String(value),
    x: value,
    settings: settings(value),
    at: {
      ...(value <= smokeTo
        ? { smoke: { label: String(value), settings: { ...small(value), dataset: 'fashion-mnist-sample' as const } } }
        : {}),
      ...(value <= smokeTo ? { short: { label: String(value), settings: { ...small(value), dataset: 'fashion-mnist' as const } } } : {}),
    },
  }));
}

/** The program's defaults: SGD without momentum or decay, no schedule within such short runs, no augmentation. */
const program: TrainSettings = { momentum: 0, weightDecay: 0, lr: 0.01, schedule: 'constant', validation: 0.1, augment: false };
/** `nets` says what stands for the title's at the smaller scales, where that is another. */
const scales = (epochs: number, nets?: string): PartSpec['at'] => {
  const small = nets === undefined ? '' : `${nets}, `;
  return {
    smoke: { label: `${small}512 images of the shipped sample, 2 epochs of batch 32`, settings: { epochs: 2, batchSize: 32, limit: 512 } },
    short: { label: `${small}10,000 images of FashionMNIST, 3 epochs`, settings: { epochs: 3, limit: 10_000 } },
    full: { label: `${epochs} epoch${epochs === 1 ? '' : 's'}`, settings: { epochs } },
  };
};
const depthAxis = { label: 'layers', logarithmic: true };

/** What the paper shows in figures; published accuracies are read off them, so approximate. */
export const figures: readonly PartSpec[] = [
  {
    name: 'depth-mlp',
    title: 'Accuracy over depth: MLP with weight norm on MNIST',
    rowLabel: 'initialisation',
    baseline: 'datadep',
    recipe: { ...program, dataset: 'mnist', mean: [0.5], std: [1] },
    at: scales(200),
    columns: axis([2, 10, 20, 100, 200], (depth) => ({ arch: `mlp${depth}-128` }), 100),
    metrics: ['validatedTest'],
    axis: depthAxis,
    rows: [datadepRow, { ...proposedRow, published: { 100: { validatedTest: one(97) }, 200: { validatedTest: one(96) } } }],
  },
  {
    name: 'depth-cnn',
    title: 'Accuracy over depth: CNN with weight norm on CIFAR-10',
    rowLabel: 'initialisation',
    baseline: 'datadep',
    recipe: { ...program, dataset: 'cifar10' },
    at: scales(200, 'nets of width 16'),
    columns: axis(
      [2, 10, 20, 50, 100],
      (depth) => ({ arch: `cnn${depth}-128` }),
      20,
      (depth) => ({ arch: `cnn${depth}-16` }),
    ),
    metrics: ['validatedTest'],
    axis: depthAxis,
    rows: [datadepRow, { ...proposedRow, published: { 100: { validatedTest: one(80) } } }],
  },
  {
    name: 'depth-wrn',
    title: 'Accuracy over depth: WRN of width 1 on CIFAR-10',
    rowLabel: 'initialisation',
    baseline: 'default',
    recipe: { ...program, dataset: 'cifar10', augment: true },
    at: scales(1),
    columns: axis([10, 100, 1000, 10_000], (depth) => ({ arch: `wrn${depth}-1-reduced` }), 100),
    metrics: ['validatedTest'],
    axis: depthAxis,
    rows: [
      {
        name: 'default',
        settings: weightNorm('default'),
        published: {
          10: { validatedTest: one(39) },
          100: { validatedTest: one(4) },
          1000: { validatedTest: one(0) },
          10000: { validatedTest: one(0) },
        },
      },
      {
        ...proposedRow,
        published: {
          10: { validatedTest: one(38) },
          100: { validatedTest: one(38) },
          1000: { validatedTest: one(38) },
          10000: { validatedTest: one(34) },
        },
      },
    ],
  },
  {
    name: 'learning-rates',
    title: 'Robustness over learning rates: ResNet-110 on CIFAR-10',
    rowLabel: 'initialisation',
    baseline: 'datadep',
    recipe: { ...program, dataset: 'cifar10', augment: true },
    at: scales(10, 'plain-resnet8'),
    columns: axis(
      [0.001, 0.01, 0.1, 1],
      (lr) => ({ arch: 'plain-resnet110', lr }),
      1,
      (lr) => ({ arch: 'plain-resnet8', lr }),
    ),
    metrics: ['validatedTest'],
    axis: { label: 'learning rate', logarithmic: true },
    rows: [{ name: 'he', settings: weightNorm('wn-he') }, datadepRow, proposedRow],
  },
  {
    name: 'seeds',
    title: 'Robustness over seeds by depth: ResNet on CIFAR-10',
    rowLabel: 'initialisation',
    baseline: 'datadep',
    recipe: { ...program, dataset: 'cifar10', lr: 0.1, augment: true },
    at: {
      ...scales(10),
      smoke: { ...scales(10).smoke, seeds: [1, 2, 3] },
      full: { label: '10 epochs, 5 seeds', settings: { epochs: 10 }, seeds: [1, 2, 3, 4, 5] },
    },
    columns: axis([8, 20, 56, 110], (depth) => ({ arch: `plain-resnet${depth}` }), 20),
    metrics: ['validatedTest'],
    axis: depthAxis,
    rows: [datadepRow, proposedRow],
  },
  {
    name: 'alive',
    title: 'Runs that reach epoch 3 without diverging: WRN-40-10 on CIFAR-10',
    rowLabel: 'initialisation',
    baseline: 'datadep',
    recipe: { ...program, dataset: 'cifar10', lr: 0.1, momentum: 0.9, augment: true },
    at: {
      smoke: {
        label: '256 images of the shipped sample, batch 64, 4 seeds',
        settings: { epochs: 3, batchSize: 64, limit: 256 },
        seeds: [1, 2, 3, 4],
      },
      short: { label: '10,000 images of FashionMNIST, 3 epochs', settings: { epochs: 3, limit: 10_000 } },
      full: { label: '3 epochs, 20 seeds', settings: { epochs: 3 }, seeds: Array.from({ length: 20 }, (_, i) => i + 1) },
    },
    columns: [
      {
        name: 'wrn40-10',
        label: 'WRN-40-10',
        settings: { arch: 'wrn40-10' },
        at: {
          smoke: { label: 'wrn10-1', settings: { arch: 'wrn10-1', dataset: 'fashion-mnist-sample' } },
          short: { label: 'wrn10-1', settings: { arch: 'wrn10-1', dataset: 'fashion-mnist' } },
        },
      },
    ],
    metrics: ['alive'],
    rows: [
      datadepRow,
      {
        name: 'datadep + warm-up',
        settings: weightNorm('wn-orthogonal-datadep', { warmupEpochs: 1, warmup: 'quadratic', warmupFactor: 0.01 }),
      },
      proposedRow,
      {
        name: 'proposed + warm-up',
        settings: weightNorm('wn-orthogonal-proposed', { warmupEpochs: 1, warmup: 'quadratic', warmupFactor: 0.01 }),
      },
    ],
  },
];
