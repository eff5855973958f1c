/** What the editor begins with: less with depth. */
export const ownTemplate = `import { affineNorms, type InitializeOptions, type Module, normal_, ones_, weightLayers, zeros_ } from '@initlab/nn';

/** Standard deviation √(2 / fanIn), less with depth. */
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
`;

/** A story's: no unit learns what another does not. */
export const sameTemplate = `import { constant_, type Module, weightLayers, zeros_ } from '@initlab/nn';

/** Every weight of a layer the same, of the size that Kaiming's have. */
export function initializeWeights(model: Module): void {
  for (const { weight, bias } of weightLayers(model)) {
    const fanIn = weight.size / (weight.shape[0] ?? 1);
    constant_(weight, Math.sqrt(2 / fanIn));
    if (bias) zeros_(bias);
  }
}
`;
