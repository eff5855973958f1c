import { OpError } from '@initlab/core';
import { checkNumber } from '@initlab/core/internal';

/** Throws unless a factor of a net's channels can be one. */
export function checkWidth(model: string, width: number): void {
  if (!(width > 0 && width <= 16)) throw new OpError(model, `width ${width} is no factor of channels; give one above 0, up to 16`);
}

/** Channels of a net whose channels are all times a factor: at least one. */
export const scaledChannels = (channels: number, factor: number): number => Math.max(1, Math.round(channels * factor));

/** Layers of the deepest net that is made: others take minutes and the memory of a whole machine before they fail. */
const mostLayers = 10_000;
/** Channels or features, beyond which no device holds a layer. */
const mostChannels = 65_536;

/** Throws unless a net can have so many layers. */
export function checkDepth(model: string, depth: number): void {
  if (Number.isFinite(depth) && depth > mostLayers)
    throw new OpError(model, `depth ${depth} is more than the ${mostLayers} layers that a net is made of here; give fewer`);
  checkNumber(model, { depth }, { from: 1, to: mostLayers, whole: true });
}

/** Throws unless a net's layers can have so many channels or features. */
export function checkChannels(model: string, sizes: Readonly<Record<string, number>>): void {
  checkNumber(model, sizes, { from: 1, to: mostChannels, whole: true });
}
