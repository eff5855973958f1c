import { affineNorms, type InitializeOptions, kaimingNormal_, type Module, ones_, weightLayers, zeros_ } from '@initlab/nn';

/**
 * An initialisation: sets the model's parameters in place.
 * `arch` is the model's name, `depth` its number of Conv2d and Linear layers. Draw from `generator`, so that --seed decides.
 * Try it: npx initlab train --arch resnet20 --dataset fashion-mnist-sample --epochs 1 --init ./THIS-FILE.ts
 */
export function initializeWeights(model: Module, { generator }: InitializeOptions): void {
  for (const { weight, bias } of weightLayers(model)) {
    kaimingNormal_(weight, { mode: 'fanOut', nonlinearity: 'relu', generator });
    if (bias) zeros_(bias);
  }
  for (const { weight, bias } of affineNorms(model)) {
    ones_(weight);
    if (bias) zeros_(bias);
  }
}
