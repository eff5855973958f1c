import { OpError } from '@initlab/core';
import { checkNumber, checkOptions, showShape, showValue, unknownName } from '@initlab/core/internal';

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
  checkOptions('calculateFanInAndFanOut', options, ['groups']);
  const { groups = 1 } = options;
  if (!Array.isArray(shape)) throw new OpError('calculateFanInAndFanOut', `takes a shape such as weight.shape, got ${showValue(shape)}`);
  if (shape.length < 2)
    throw new OpError(
      'calculateFanInAndFanOut',
      `fan in and fan out need a weight of two or more dimensions, got ${showShape(shape)}; fill biases and norms with zeros_ or ones_`,
    );
  checkNumber('calculateFanInAndFanOut', { groups }, { from: 1, whole: true });
  const area = shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: (shape[1] as number) * area, fanOut: ((shape[0] as number) * area) / groups };
}

/** Layers without an activation behind them have a gain of 1, whichever they are. */
const linearLayers = ['linear', 'conv1d', 'conv2d', 'conv3d', 'convTranspose1d', 'convTranspose2d', 'convTranspose3d'] as const;
const nonlinearities = [...linearLayers, 'sigmoid', 'tanh', 'relu', 'leakyRelu', 'selu'] as const;
/** What `calculateGain` knows: `linear` and the layers by name, `sigmoid`, `tanh`, `relu`, `leakyRelu`, `selu`. */
export type Nonlinearity = (typeof nonlinearities)[number];

/** Recommended gain of a nonlinearity (PyTorch's `calculate_gain`); `param` is leakyRelu's slope, default 0.01. */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      if (!Number.isFinite(param))
        throw new OpError('calculateGain', `leakyRelu's slope is ${showValue(param)}; give a number, such as 0.01`);
      return Math.sqrt(2 / (1 + param * param));
    case 'selu':
      return 3 / 4;
    default:
      if (nonlinearities.includes(nonlinearity)) return 1;
      throw new OpError('calculateGain', unknownName('nonlinearity', String(nonlinearity), nonlinearities));
  }
}
