import { one, type Published, perSeed, type RowSpec, type TableSpec } from './table-spec.js';

/** Loss and accuracy of the CIFAR-10 column, then both of the FashionMNIST column by seed. */
function row(name: string, init: string, cifar: [loss: number, accuracy: number], fashion: [Published, Published]): RowSpec {
  return {
    name,
    settings: { init },
    published: {
      cifar10: { lastLoss: one(cifar[0]), lastTest: one(cifar[1]) },
      'fashion-mnist': { lastLoss: fashion[0], lastTest: fashion[1] },
    },
  };
}
const seeds = (first: number, second: number): Published => perSeed({ 0: first, 1: second });

/** Five initialisations of a vanilla CNN (TorchLeet). */
export const cnnInit: TableSpec = {
  id: 'cnn-init',
  title: 'Five initialisations of a vanilla CNN',
  source:
    'TorchLeet exercise on CNN weight initialisation: simple-cnn, batch 64, Adam 1e-3, 8 epochs, no augmentation, (x / 255 − 0.5) / 0.5',
  publishedLabel: 'TorchLeet, CIFAR-10, 8 epochs, one run',
  seeds: [0],
  adds: 'init',
  parts: [
    {
      name: 'results',
      title: 'Five initialisations of a vanilla CNN',
      rowLabel: 'strategy',
      baseline: 'default',
      recipe: {
        ...{ arch: 'simple-cnn', optimizer: 'adam', lr: 1e-3, weightDecay: 0, schedule: 'constant', batchSize: 64, epochs: 8 },
        ...{ augment: false, fit: 'pad', mean: [0.5], std: [0.5] },
      },
      at: {
        smoke: { label: '2,000 images of the shipped sample, 3 epochs', settings: { limit: 2000, epochs: 3 } },
        short: { label: '10,000 images, 8 epochs', settings: { limit: 10_000 } },
        full: { label: 'all images, 8 epochs', settings: {} },
      },
      rows: [
        row('default', 'default', [0.277, 71.13], [one(0.095), seeds(91.92, 91.55)]),
        row('zero', 'zero', [2.3027, 10], [one(2.3027), one(10)]),
        row('random', 'random', [57.34, 28.92], [seeds(72.5, 93.2), seeds(84.69, 84.39)]),
        row('xavier', 'xavier', [0.1859, 70.12], [one(0.088), seeds(91.44, 91.75)]),
        // The exercise counts inputs; the registry's `kaiming` is init-design's, which counts outputs.
        row('kaiming', 'kaiming-fan-in', [0.1984, 68.98], [one(0.087), seeds(90.58, 91.13)]),
      ],
      columns: [
        {
          name: 'fashion-mnist',
          label: 'FashionMNIST',
          settings: { dataset: 'fashion-mnist' },
          at: {
            smoke: { label: 'FashionMNIST (sample)', settings: { dataset: 'fashion-mnist-sample' } },
            short: { label: 'FashionMNIST', settings: {} },
          },
          publishedLabel: 'PyTorch 2.11 on FashionMNIST, 8 epochs, two seeds, measured for initlab',
        },
        { name: 'cifar10', label: 'CIFAR-10', settings: { dataset: 'cifar10' }, at: { short: { label: 'CIFAR-10', settings: {} } } },
      ],
      metrics: ['lastTest', 'lastLoss'],
    },
  ],
};
