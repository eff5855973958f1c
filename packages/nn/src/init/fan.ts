/** Inputs and outputs one weight of a layer touches. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/**
 * PyTorch's `_calculate_fan_in_and_fan_out`: shape[1] and shape[0] times the kernel's area. For a grouped convolution
 * PyTorch's fanOut is out · k²; `groups` divides it, which is what the forward variance of the gradient would want.
 */
export function calculateFanInAndFanOut(shape: readonly number[], options: { groups?: number } = {}): Fans {
  if (shape.length < 2) throw new Error(`fan in and fan out need a weight of two or more dimensions, got [${shape.join(', ')}]`);
  const area = shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: (shape[1] as number) * area, fanOut: ((shape[0] as number) * area) / (options.groups ?? 1) };
}

export type Nonlinearity = 'linear' | 'conv2d' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** Recommended gain of a nonlinearity (PyTorch's `calculate_gain`); `param` is leakyRelu's slope, default 0.01. */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'conv2d':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + param * param));
    case 'selu':
      return 3 / 4;
  }
}
