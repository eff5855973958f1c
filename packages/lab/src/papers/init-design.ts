import { designRecipe, designScales, mobilenet, resnet56, vgg16 } from './design-columns.js';
import { meanOf, one, type Published, perSeed, type RowSpec, type TableSpec } from './table-spec.js';

const seeded = (a: number, b: number, c: number): Published => perSeed({ 42: a, 123: b, 456: c });
const columns = [resnet56(72.99), vgg16(74.89), mobilenet(94.85)];

/** A registered strategy with its published best accuracies by column. */
function row(name: string, published: Readonly<Record<string, Published>> = {}, more: Partial<RowSpec> = {}): RowSpec {
  const cells = Object.fromEntries(Object.entries(published).map(([column, bestTest]) => [column, { bestTest }]));
  return { name, settings: { init: name }, published: cells, ...more };
}
const noBranch = { 'vgg16-bn-cifar100': 'VGG has no residual branch' };

/** MLS-Bench's weight initialisation benchmark, with further strategies of the literature. */
export const initDesign: TableSpec = {
  id: 'init-design',
  title: 'Weight initialisation benchmark',
  source: `MLS-Bench dl-weight-initialization: ${designRecipe}`,
  publishedLabel: 'MLS-Bench, 200 epochs, seeds 42, 123, 456; dars, davs and the best entries: one seed',
  seeds: [42, 123, 456],
  adds: 'init',
  parts: [
    {
      name: 'results',
      title: 'Best test accuracy by initialisation',
      rowLabel: 'initialisation',
      baseline: 'kaiming',
      recipe: {},
      at: designScales,
      columns,
      metrics: ['bestTest', 'lastTest'],
      rows: [
        row('kaiming', {
          'resnet56-cifar100': seeded(72.07, 72.49, 71.87),
          'vgg16-bn-cifar100': seeded(73.38, 74.2, 73.49),
          'mobilenetv2-fashion-mnist': meanOf(3, 94.58, 0.11),
        }),
        row('orthogonal', {
          'resnet56-cifar100': seeded(72.08, 72.19, 71.92),
          'vgg16-bn-cifar100': seeded(72.83, 74.17, 74.94),
          'mobilenetv2-fashion-mnist': meanOf(3, 94.34, 0.4),
        }),
        row('fixup-bn', {
          'resnet56-cifar100': seeded(72.37, 72.88, 72.33),
          'vgg16-bn-cifar100': seeded(74.37, 74.45, 74.21),
          'mobilenetv2-fashion-mnist': meanOf(3, 94.64, 0.16),
        }),
        row('scaffold'),
        row('zero-gamma'),
        row('ravs', {}, { note: 'documented to diverge' }),
        row('dars', { 'resnet56-cifar100': one(72.61) }),
        row('davs', { 'resnet56-cifar100': one(72.22) }),
        row('fixup++'),
        row('rbb'),
        row('orthogonal-mixed'),
        row('half-branch'),
        row('orthogonal-standardised'),
        row('depth-decay'),
        row('lecun'),
        row('xavier'),
        row('delta-orthogonal'),
        row('lsuv'),
        row('skipinit', {}, { excluded: noBranch }),
        row('rezero', {}, { excluded: noBranch }),
        row('layerscale', {}, { excluded: noBranch }),
        row(
          'fixup',
          {},
          {
            // Normalisation-free, with scalars that learn at a tenth of the rate (arXiv:1901.09321).
            settings: { init: 'fixup', scalarLr: 0.1, norm: 'none' },
            arch: (arch) => arch.replace(/^resnet/, 'fixup-resnet'),
            excluded: {
              'vgg16-bn-cifar100': 'Fixup is a design of residual nets',
              'mobilenetv2-fashion-mnist': 'Fixup’s blocks are ResNet’s',
            },
          },
        ),
      ],
    },
  ],
};
