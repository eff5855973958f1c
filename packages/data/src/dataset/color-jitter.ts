import { OpError } from '@initlab/core';
import { checkNumber, checkOptions, type ImageAdjustment, showValue } from '@initlab/core/internal';

/** How far a property may be changed: by up to so much either way, or a range of factors. */
export type JitterRange = number | readonly [least: number, most: number];

/** Brightness, contrast, saturation and hue by random factors and in random order (torchvision.transforms.ColorJitter). */
export interface ColorJitterOptions {
  /** A factor from [1 − b, 1 + b], not below 0, or from the range. Default 0: none. */
  readonly brightness?: JitterRange | undefined;
  readonly contrast?: JitterRange | undefined;
  readonly saturation?: JitterRange | undefined;
  /** Turns of the colour wheel from [−h, h], or from the range; within ±½. */
  readonly hue?: JitterRange | undefined;
}

const kinds = ['brightness', 'contrast', 'saturation', 'hue'] as const;

/** What is changed, and between which numbers. */
export type JitterRanges = readonly { readonly kind: (typeof kinds)[number]; readonly least: number; readonly most: number }[];

/** The ranges of what may change. Throws where one is out of bounds. */
export function checkColorJitter(name: string, options: ColorJitterOptions): JitterRanges {
  checkOptions(name, options, kinds);
  return kinds.flatMap((kind) => {
    const range = options[kind] ?? 0;
    const [centre, bounds] = kind === 'hue' ? [0, { from: -0.5, to: 0.5 }] : [1, { from: 0 }];
    if (typeof range === 'number') {
      checkNumber(name, { [kind]: range }, { from: 0, ...(kind === 'hue' ? { to: 0.5 } : {}) });
      return range === 0 ? [] : [{ kind, least: kind === 'hue' ? -range : Math.max(0, centre - range), most: centre + range }];
    }
    if (!Array.isArray(range) || range.length !== 2)
      throw new OpError(name, `${kind} is ${showValue(range)}; give a number, or the least and the most`);
    const [least, most] = range;
    checkNumber(name, { [kind]: least }, bounds);
    checkNumber(name, { [kind]: most }, { ...bounds, from: least });
    return [{ kind, least, most }];
  });
}

/** All of them for one image, in the order drawn; always by as many numbers from [0, 1). */
export function randomJitter(ranges: JitterRanges, uniform: () => number): ImageAdjustment[] {
  const made = ranges.map(({ kind, least, most }): ImageAdjustment => {
    const value = least + (most - least) * uniform();
    return kind === 'hue' ? { kind, turn: value } : { kind, factor: value };
  });
  for (let i = made.length - 1; i > 0; i--) {
    const other = Math.floor(uniform() * (i + 1));
    [made[i], made[other]] = [made[other] as ImageAdjustment, made[i] as ImageAdjustment];
  }
  return made;
}
