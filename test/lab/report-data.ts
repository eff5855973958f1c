import type { ReportData } from '@initlab/lab';

const finals = { default: [0.31, 86.4], zero: [2.3027, 10], random: [42, 71.2], xavier: [0.29, 86.9], kaiming: [0.28, 87.3] } as const;
const published = {
  default: [0.277, 71.13],
  zero: [2.3027, 10],
  random: [57.34, 28.92],
  xavier: [0.1859, 70.12],
  kaiming: [0.1984, 68.98],
} as const;
const names = Object.keys(finals) as (keyof typeof finals)[];
const epochs = 4;

/** Values that fall (or rise) towards the final one. */
const approach = (final: number, epoch: number, seed: number): number => final * (1 + (epochs - epoch) * 0.4 + seed * 0.02);

/** A report of a table with made-up numbers. */
export const reportData: ReportData = {
  title: 'cnn-init on fashion-mnist-sample',
  summary: 'Five initialisations of simple-cnn, 2,000 training and 500 test images, 4 epochs, seeds 0 and 1.',
  table: {
    title: 'cnn-init',
    rowLabel: 'strategy',
    metrics: [
      { key: 'loss', label: 'training loss', digits: 4, better: 'lower' },
      { key: 'accuracy', label: 'test accuracy %', digits: 2, better: 'higher' },
    ],
    rows: names.map((name) => ({
      name,
      measured: { loss: [finals[name][0], finals[name][0] * 1.02], accuracy: [finals[name][1], finals[name][1] * 0.99] },
      published: { loss: { mean: published[name][0] }, accuracy: { mean: published[name][1] } },
      ...(name === 'zero' ? { note: 'every unit stays alike' } : {}),
    })),
    publishedLabel: 'CIFAR-10, 8 epochs',
    comparable: false,
    notes: ['A demo on 2,000 images: compare the order of the rows, not the digits.'],
  },
  curves: [
    {
      label: 'training loss',
      points: names.flatMap((series) =>
        [0, 1].flatMap((seed) => [1, 2, 3, 4].map((epoch) => ({ series, seed, epoch, value: approach(finals[series][0], epoch, seed) }))),
      ),
    },
    {
      label: 'test accuracy %',
      scale: 'linear',
      points: names.flatMap((series) => [1, 2, 3, 4].map((epoch) => ({ series, epoch, value: finals[series][1] - (epochs - epoch) * 2 }))),
    },
  ],
  command: 'initlab table run cnn-init --scale smoke --seeds 0,1',
  facts: {
    adapter: 'llvmpipe (LLVM 19) <software>',
    driver: 'Mesa 25',
    dataset: 'shipped with initlab',
    versions: 'initlab 0.1.0, Node 20, webgpu 0.6.2',
  },
  config: { experiment: 'cnn-init', seeds: [0, 1], optimizer: { name: 'adam', lr: 0.001 }, note: '</pre><script>' },
  startedAt: new Date('2026-05-01T12:30:05Z'),
  seconds: 132,
};
