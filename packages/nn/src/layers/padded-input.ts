import { OpError, type PadMode } from '@initlab/core';
import { checkChoice } from '@initlab/core/internal';

// Padding of convolutions: what the product does itself, as many zeros on either side, and what is put around its input before.

/** What lies around an input: zeros, or what `pad` makes of the input in its modes of these names. */
export type PaddingMode = 'zeros' | Exclude<PadMode, 'constant'>;

const modes: readonly PaddingMode[] = ['zeros', 'reflect', 'replicate', 'circular'];

/** Elements before and after an input, along one dimension. */
export type Ends = readonly [before: number, after: number];

export function checkPaddingMode(layer: string, paddingMode: PaddingMode): void {
  checkChoice(layer, 'paddingMode', { value: paddingMode, known: modes });
}

/** How it is called there. */
export const padMode = (mode: PaddingMode): PadMode => (mode === 'zeros' ? 'constant' : mode);

/** Throws where sizes cannot stay as they are. */
export function checkSame(layer: string, strides: readonly number[]): void {
  if (strides.some((stride) => stride !== 1))
    throw new OpError(layer, `padding "same" needs a stride of 1, got ${strides.join(', ')}; give numbers`);
}

/** The padding that leaves a size as it is; of an even kernel one more after the input than before it, as PyTorch has it. */
export const sameEnds = (kernel: number, dilation: number): Ends => {
  const both = (kernel - 1) * dilation;
  return [Math.floor(both / 2), Math.ceil(both / 2)];
};

/** What `pad` is to put around the input, from the last dimension backwards; nothing where zeros on either side are all there is to do. */
export function endsAround(ends: readonly Ends[], mode: PaddingMode): readonly number[] | undefined {
  // Zeros are the product's own, but for those that one side has more.
  const around = ends.toReversed().flatMap(([before, after]) => (mode === 'zeros' ? [0, after - before] : [before, after]));
  return around.some((size) => size > 0) ? around : undefined;
}
