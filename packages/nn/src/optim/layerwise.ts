import { type FlatParameters, Tensor } from '@initlab/core';
import { type LayerwiseRule, layerwiseUpdate } from '@initlab/core/internal';
import type { UpdateMethod } from './update-method.js';

/** Elements of a block, of which a parameter in a flat buffer has some to itself. */
const blockElements = 64;

/** Each parameter by a trust ratio of its own; with `excludeVectors` not those of one dimension, whose ratio is 1. */
export const layerwise = (rule: LayerwiseRule, { excludeVectors }: { excludeVectors: boolean }): UpdateMethod => ({
  rule,
  extra: (flat) => [layersOf(flat, excludeVectors)],
  update: ({ param, grad, hyper, moments, lossScale, run: { from, to }, extra }) => {
    const [layers] = extra;
    if (layers) layerwiseUpdate(rule, { param, grad, hyper, moments, layers, lossScale }, { first: from, count: to - from });
  },
});

/** The table of `layerwiseUpdate`. Of no scope, as all that an optimiser has. */
function layersOf({ parameters, offsets, values }: FlatParameters, excludeVectors: boolean): Tensor {
  const rows = parameters.map((p, i) => [(offsets[i] as number) / blockElements, excludeVectors && p.ndim < 2 ? 0 : 1]);
  const table = [...rows, [values.size / blockElements, 0]].flat();
  const spec = { shape: [table.length / 2, 2], dtype: 'i32', format: 'rowMajor' } as const;
  return Tensor.allocate(values.device, spec, 'layers of an optimiser').set(table);
}
