import { openDevice } from '@initlab/core';
import { createModel, listModels, modelImageSize } from '@initlab/models';
import { listInitializers, listNorms, renderSummary, summary } from '@initlab/nn';
import { wrapText } from '../tables/text-width.js';

type Kind = 'models' | 'inits' | 'norms';

/** `initlab models`, `inits`, `norms`: what is registered, with a line on each and its source. */
export function listCommand(kind: Kind, { json }: { readonly json?: boolean }): number {
  const rows = entriesOf(kind);
  process.stdout.write(json ? `${JSON.stringify(rows)}\n` : `${rows.map(show).join('\n')}\n`);
  return 0;
}

interface Row {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** Names of a family of models. */
  readonly examples?: readonly string[];
  /** A model's norm where none is asked for. */
  readonly norm?: string;
  /** Height and width of the images that a model was designed for. */
  readonly imageSize?: number;
  /** An initialisation that looks at a batch of images. */
  readonly dataDependent?: boolean;
}

function entriesOf(kind: Kind): Row[] {
  if (kind === 'models')
    return listModels().map(({ name, description, source, examples = [name], norm = 'batch', imageSize = 32 }) => ({
      name,
      description,
      source,
      norm,
      imageSize,
      examples,
    }));
  if (kind === 'norms') return listNorms().map(({ name, description, source }) => ({ name, description, source }));
  return listInitializers().map(({ name, description, source, dataDependent = false }) => ({ name, description, source, dataDependent }));
}

function show({ name, description, source, examples = [], dataDependent }: Row): string {
  const more = [
    ...(dataDependent ? ['looks at a batch of images'] : []),
    ...(examples.length > 1 ? [examples.join(', ')] : []),
    ...(source ? [source] : []),
  ];
  return [name, ...[description, ...more].flatMap((line) => wrapText(`    ${line}`, 80, { indent: '      ' }))].join('\n');
}

/** `initlab models --summary NAME`: layers, shapes, parameters and multiply-adds of one model. */
export async function summaryCommand(name: string, { json }: { readonly json?: boolean }): Promise<number> {
  const device = await openDevice();
  const size = modelImageSize(name);
  const found = summary(createModel(name, { device }), [1, 3, size, size]);
  process.stdout.write(`${json ? JSON.stringify(found) : renderSummary(found)}\n`);
  device.close();
  return 0;
}
