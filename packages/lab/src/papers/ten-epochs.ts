import { perSeed, type RowSpec, type TableSpec } from './table-spec.js';

/** By seed from 0: loss and accuracy of the last epoch, then both of the first. */
type Seed = readonly [loss: number, accuracy: number, firstLoss: number, firstAccuracy: number];

function row(name: string, { settings, arch }: Pick<RowSpec, 'settings' | 'arch'>, ...seeds: readonly Seed[]): RowSpec {
  const figure = (at: number) => perSeed(Object.fromEntries(seeds.map((seed, i) => [i, seed[at] as number])));
  const [lastLoss, lastTest, firstLoss, firstTest] = [0, 1, 2, 3].map(figure);
  return { name, settings, ...(arch ? { arch } : {}), published: { 'fashion-mnist': { lastTest, lastLoss, firstTest, firstLoss } } };
}
/** The column's net is a ResNet; a VGG of the same scale. */
const vgg = (arch: string): string => (arch === 'resnet20' ? 'vgg16-bn' : 'vgg11-bn-x0.125');

/** Whether training here comes to where PyTorch comes, in minutes of a GPU. */
export const tenEpochs: TableSpec = {
  id: 'ten-epochs',
  title: 'Ten epochs beside PyTorch',
  source:
    'A reference of our own: kaiming, SGD 0.1, momentum 0.9, weight decay 5e-4, batch 128, cosine over 10 epochs, images resized to 32×32 in 3 channels, random crop and flip',
  publishedLabel: 'PyTorch 2.11 on an H100, measured for initlab',
  seeds: [0, 1, 2],
  parts: [
    {
      name: 'results',
      title: 'Ten epochs',
      rowLabel: 'net',
      baseline: 'resnet-batch',
      recipe: { init: 'kaiming', epochs: 10 },
      at: {
        smoke: { label: 'small nets, 512 images of the shipped sample, 2 epochs', settings: { epochs: 2, limit: 512 } },
        short: { label: 'small nets, 10,000 images, 10 epochs', settings: { limit: 10_000 } },
        full: { label: 'all images, 10 epochs', settings: {} },
      },
      rows: [
        row('resnet-batch', { settings: {} }, [0.1737, 93.55, 0.6325, 82.64], [0.174, 93.13, 0.622, 82.62], [0.1731, 93.44, 0.6438, 83.13]),
        row('resnet-group', { settings: { norm: 'group' } }, [0.1912, 92.83, 1.0177, 80.02], [0.188, 92.74, 0.9334, 80.25]),
        row('vgg-batch', { settings: {}, arch: vgg }, [0.2421, 91.9, 2.0843, 38.51], [0.2695, 91.55, 2.1465, 22.09]),
      ],
      columns: [
        {
          name: 'fashion-mnist',
          label: 'ResNet-20 or VGG-16-BN, FashionMNIST',
          settings: { arch: 'resnet20', dataset: 'fashion-mnist' },
          at: {
            smoke: {
              label: 'ResNet-8 or a narrow VGG-11, FashionMNIST sample',
              settings: { arch: 'resnet8', dataset: 'fashion-mnist-sample' },
            },
            short: { label: 'ResNet-8 or a narrow VGG-11, FashionMNIST', settings: { arch: 'resnet8' } },
          },
        },
      ],
      metrics: ['lastTest', 'lastLoss', 'firstTest', 'firstLoss'],
    },
  ],
};
