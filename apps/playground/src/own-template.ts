/** What the editor of an initialisation begins with: less with depth. */
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

/** What the editor of a norm begins with: root mean square over the image, as in filter response normalisation. */
export const ownNormTemplate = `import { add, type Device, mean, mul, reshape, rsqrt, square, type Tensor } from '@initlab/core';
import { Module, Parameter } from '@initlab/nn';

/** By its root mean square over the image: [B, C, H, W] → [B, C, H, W]. */
export class OwnNorm extends Module {
  weight: Parameter;
  bias: Parameter;

  constructor(readonly numFeatures: number, { device }: { device?: Device } = {}) {
    super();
    this.weight = new Parameter([numFeatures], { device, value: 1 });
    this.bias = new Parameter([numFeatures], { device, value: 0 });
  }

  override forward(x: Tensor): Tensor {
    const perChannel = [1, this.numFeatures, 1, 1];
    const power = mean(square(x), { dims: [2, 3], keepdim: true });
    const normal = mul(x, rsqrt(add(power, 1e-5)));
    return add(mul(normal, reshape(this.weight, perChannel)), reshape(this.bias, perChannel));
  }
}
`;
