/** Accuracies at great depth of arXiv:1906.02341, read off its figures, so approximate. */
export interface DepthReference {
  readonly net: string;
  /** Depth in layers to test accuracy (0…1) by initialisation. */
  readonly accuracies: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

/** One-epoch WRN on CIFAR-10; 0 means that training failed. */
export const wrnDepthPublished: DepthReference = {
  net: 'one-epoch WRN, CIFAR-10',
  accuracies: {
    proposed: { 10: 0.38, 100: 0.38, 1000: 0.38, 10000: 0.34 },
    default: { 10: 0.39, 100: 0.04, 1000: 0, 10000: 0 },
  },
};

/** MLP with weight normalisation on MNIST; data-dependent initialisation fails at both depths. */
export const mlpDepthPublished: DepthReference = { net: 'MLP with weight norm, MNIST', accuracies: { proposed: { 100: 0.97, 200: 0.96 } } };

/** CNN with weight normalisation on CIFAR-10 at depth 100; data-dependent initialisation fails. */
export const cnnDepthPublished: DepthReference = { net: 'CNN with weight norm, CIFAR-10', accuracies: { proposed: { 100: 0.8 } } };
