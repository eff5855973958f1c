import { designRecipe, designScales, mobilenet, resnet56, resnet110 } from './design-columns.js';
import { meanOf, one, type Published, type RowSpec, type TableSpec } from './table-spec.js';

const columns = [resnet56(72.39), resnet110(74.86), mobilenet(94.66)];

/** A registered norm with its published best accuracies, in the columns' order. */
function row(name: string, ...published: (Published | undefined)[]): RowSpec {
  const cells = published.flatMap((bestTest, i) => (bestTest ? [[columns[i]?.name as string, { bestTest }] as const] : []));
  return { name, settings: { norm: name }, published: Object.fromEntries(cells) };
}
const three = (mean: number, std: number): Published => meanOf(3, mean, std);

/** MLS-Bench's normalisation benchmark, with further norms of the literature. */
export const normDesign: TableSpec = {
  id: 'norm-design',
  title: 'Normalisation layer benchmark',
  source: `MLS-Bench dl-normalization: kaiming initialisation, a norm after every convolution; ${designRecipe}`,
  publishedLabel: 'MLS-Bench, 200 epochs, three seeds; gated-group, skip-scaled-group and the best entries: one seed',
  seeds: [42, 123, 456],
  adds: 'norm',
  parts: [
    {
      name: 'results',
      title: 'Best test accuracy by normalisation layer',
      rowLabel: 'norm',
      baseline: 'batch',
      recipe: { init: 'kaiming' },
      at: designScales,
      columns,
      metrics: ['bestTest', 'lastTest'],
      rows: [
        row('batch'),
        row('group', three(67.89, 0.41), three(69.98, 0.4), three(93.2, 0.2)),
        row('batch-instance', three(66.69, 0.57), three(68.78, 0.27), three(93.53, 0.11)),
        row('switchable', three(69.15, 0.19), three(70.08, 0.44), three(94.21, 0.17)),
        row('gated-group', one(67.14)),
        row('skip-scaled-group', one(63.7)),
        row('channel-adaptive'),
        row('noisy-batch-group'),
        row('group-excite'),
        row('layer-batch'),
        row('batch-group'),
        row('instance-gated-batch'),
        row('instance'),
        row('layer'),
        row('filter-response'),
        row('weight-standardised-group'),
        row('none'),
      ],
    },
  ],
};
