import { affineNorms, type InitializeOptions, type Module, normal_, ones_, weightLayers, zeros_ } from '@initlab/nn';

/** Standard deviation √(2 / fanIn), less with depth: the i-th of L layers is divided by (1 + i / L)^¼. */
export function initializeWeights(model: Module, { depth, generator }: InitializeOptions): void {
  for (const [i, { weight, bias }] of weightLayers(model).entries()) {
    const fanIn = weight.size / (weight.shape[0] ?? 1);
    normal_(weight, { std: Math.sqrt(2 / fanIn) / (1 + i / depth) ** 0.25, generator });
    if (bias) zeros_(bias);
  }
  for (const { weight, bias } of affineNorms(model)) {
    ones_(weight);
    if (bias) zeros_(bias);
  }
}
