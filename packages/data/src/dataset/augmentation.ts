import { checkFlags, checkNumber, checkOptions, type GatherImagesOptions } from '@initlab/core/internal';

/**
 * Random changes of a training image, each drawn anew for every image of every batch, on the GPU: from the dataset's seed, the number
 * of batches made before and the image's place in the batch, so that the same seed gives the same images on every device.
 */
export interface ImageAugmentation {
  /**
   * RandomCrop: the image is padded by this much with black on every side, and a window of the output's size is cut from it; its
   * corner is one of (2 `cropPadding` + 1)², all as likely. Default 0: none.
   */
  readonly cropPadding?: number;
  /** RandomHorizontalFlip with probability ½. Default false. */
  readonly flip?: boolean;
  /** Cutout: a black square of this side around a point drawn among the output's, cut off at the border (arXiv:1708.04552). Default 0: none. */
  readonly cutout?: number;
}

const options = { cropPadding: true, flip: true, cutout: true } satisfies Record<keyof ImageAugmentation, true>;

/** Throws naming what `augmentation` does not have, or out of range. */
export function checkAugmentation(name: string, augmentation: ImageAugmentation): void {
  checkOptions(name, augmentation, Object.keys(options) as (keyof ImageAugmentation)[]);
  const { cropPadding = 0, flip, cutout = 0 } = augmentation;
  checkNumber(name, { cropPadding, cutout }, { from: 0, whole: true });
  checkFlags(name, { flip });
}

/** The numbers that the kernel draws by. */
export const drawnBy = ({ cropPadding, flip, cutout }: ImageAugmentation): Pick<GatherImagesOptions, 'crop' | 'flip' | 'cutout'> => ({
  crop: cropPadding,
  flip,
  cutout,
});
