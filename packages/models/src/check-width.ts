import { OpError } from '@initlab/core';

/** Throws unless a factor of a net's channels can be one. */
export function checkWidth(model: string, width: number): void {
  if (!(width > 0 && width <= 16)) throw new OpError(model, `width ${width} is no factor of channels; give one above 0, up to 16`);
}
