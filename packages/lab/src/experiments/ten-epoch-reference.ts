/** What one seed of a ten-epoch run gave: losses are training means of the epoch, accuracies of the test set in per cent. */
export interface TenEpochSeed {
  readonly seed: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly firstLoss: number;
  readonly firstAccuracy: number;
}
/** A model, with its norm where it has several. */
export type TenEpochRun = 'resnet20-batch' | 'resnet20-group' | 'vgg16-bn';

const seeds = (...rows: [number, number, number, number][]): TenEpochSeed[] =>
  rows.map(([loss, accuracy, firstLoss, firstAccuracy], seed) => ({ seed, loss, accuracy, firstLoss, firstAccuracy }));

/**
 * Ten epochs on FashionMNIST by PyTorch 2.11 on an H100, measured for initlab: SGD 0.1, momentum 0.9, weight decay 5e-4,
 * batch 128, cosine over 10 epochs stepped per epoch, kaiming, images resized bilinearly to 32, 3 channels, crop with 4
 * black pixels of padding before normalising, flip.
 */
export const tenEpochReference: Readonly<Record<TenEpochRun, readonly TenEpochSeed[]>> = {
  'resnet20-batch': seeds([0.1737, 93.55, 0.6325, 82.64], [0.174, 93.13, 0.622, 82.62], [0.1731, 93.44, 0.6438, 83.13]),
  'resnet20-group': seeds([0.1912, 92.83, 1.0177, 80.02], [0.188, 92.74, 0.9334, 80.25]),
  'vgg16-bn': seeds([0.2421, 91.9, 2.0843, 38.51], [0.2695, 91.55, 2.1465, 22.09]),
};
