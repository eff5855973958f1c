import { Conv2d, drawnLayers, isWeightNormed, type Module, resetG } from '@initlab/nn';

/** Draws the weights of all convolutions anew; that of a weight-normalised one is then what was drawn. */
export function drawConvolutions(model: Module, draw: (weight: Conv2d['weight']) => void): void {
  for (const layer of drawnLayers(model)) {
    if (!(layer instanceof Conv2d)) continue;
    draw(layer.weight);
    if (isWeightNormed(layer)) resetG(layer);
  }
}
