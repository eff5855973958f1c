import { xavierNormal_ } from '../init/fills.js';
import { orthogonal_ } from '../init/orthogonal.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { residualBlocks } from './blocks.js';
import { convIndex, kaiming, type Layer, resetOthers } from './init-design.js';
import { drawnLayers, type InitializerEntry, storedInitializer, weightLayers } from './stored.js';

/** Entries that were tried in the benchmark beside its published rows. */
const source = 'an entry tried in MLS-Bench dl-weight-initialization';

export const initDesignTried: readonly InitializerEntry[] = [
  {
    name: 'orthogonal-mixed',
    description: 'orthogonal on nets without residual blocks, else fixup-bn; the last linear layer N(0, ¼ · 2 / (fanIn + fanOut)) on both',
    source,
    initialize: async (model, options) => {
      const base = residualBlocks(model).length === 0 ? 'orthogonal' : 'fixup-bn';
      await storedInitializer(base).initialize(model, options);
      const head = weightLayers(model)
        .filter((layer) => layer instanceof Linear)
        .at(-1);
      if (head) xavierNormal_(head.weight, { gain: 0.5, generator: options.generator });
    },
  },

  {
    name: 'half-branch',
    description: 'kaiming, every convolution of residual blocks × √½, shortcuts too',
    source,
    initialize: (model, options) => {
      const inBlocks = new Set<Layer>(
        residualBlocks(model).flatMap(({ module }) => module.modules().filter((m): m is Conv2d => m instanceof Conv2d)),
      );
      kaiming(model, options, (layer) => (inBlocks.has(layer) ? Math.SQRT1_2 : 1));
    },
  },

  {
    name: 'orthogonal-standardised',
    description: 'conv and linear orthogonal, then every filter to mean 0 and norm 1; biases 0, norms 1 / 0',
    source,
    initialize: async (model, { generator }) => {
      resetOthers(model);
      for (const { weight } of drawnLayers(model)) {
        orthogonal_(weight, { generator });
        weight.set(standardisedRows(await weight.read(), weight.shape[0] as number));
      }
    },
  },

  {
    name: 'depth-decay',
    description: 'kaiming, the i-th conv × exp(−i · min(0.012, 0.6 / depth))',
    source,
    initialize: (model, options) => {
      const index = convIndex(model);
      const rate = Math.min(0.012, 0.6 / options.depth);
      kaiming(model, options, (layer) => Math.exp(-Math.max(0, index(layer)) * rate));
    },
  },
];

/** Every row less its mean, then divided by its norm. A row of one weight keeps its sign. */
function standardisedRows(values: ArrayLike<number>, rows: number): Float64Array {
  const size = values.length / rows;
  const out = Float64Array.from(values);
  for (let r = 0; r < rows; r++) {
    const row = out.subarray(r * size, (r + 1) * size);
    const mean = size > 1 ? row.reduce((a, b) => a + b, 0) / size : 0;
    const norm = Math.hypot(...row.map((v) => v - mean));
    row.forEach((v, i) => {
      row[i] = (v - mean) / norm;
    });
  }
  return out;
}
