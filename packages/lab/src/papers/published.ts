import { isDeepStrictEqual } from 'node:util';
import type { TrainConfig } from '../train/train-config.js';
import { planTable } from './cells.js';
import { initDesign } from './init-design.js';
import { normDesign } from './norm-design.js';
import type { Published } from './table-spec.js';

/** What was published of a training with exactly these settings, whatever the seed: best test accuracy in per cent. */
export function publishedOf(config: TrainConfig): { readonly published: Published; readonly label: string } | undefined {
  // Looking inside changes no number.
  const plain = { ...config, probe: null };
  for (const table of [initDesign, normDesign])
    for (const { cells } of planTable(table, { scale: 'full', seeds: [config.seed] }))
      for (const { row, column, runs } of cells) {
        const published = row.published?.[column.name]?.bestTest;
        if (published && runs.some((run) => isDeepStrictEqual(run.config, plain))) return { published, label: table.publishedLabel };
      }
  return undefined;
}
