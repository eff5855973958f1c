import { adjustmentCodes, adjustmentNumbers } from '@initlab/kernels';
import { checkChoice, checkObject } from '../../checks/check-arguments.js';
import { OpError, showValue } from '../../checks/errors.js';

/** A change of one image, by torchvision.transforms.functional's formulas on tensors of uint8; `factor` 1 leaves the image as it is. */
export type ImageAdjustment =
  | { readonly kind: 'none' | 'autocontrast' | 'equalize' }
  | { readonly kind: 'brightness' | 'contrast' | 'saturation' | 'sharpness'; readonly factor: number }
  /** Turns of the colour wheel. */
  | { readonly kind: 'hue'; readonly turn: number }
  | { readonly kind: 'posterize'; readonly bits: number }
  /** Values from it on are inverted. */
  | { readonly kind: 'solarize'; readonly threshold: number }
  /** Where pixel (x, y) comes from: (a x + b y + c, d x + e y + f) of [a, b, c, d, e, f], the nearest pixel; black outside. */
  | { readonly kind: 'affine'; readonly matrix: readonly [number, number, number, number, number, number] }
  /** Black in these rows and columns, without the last of each. */
  | { readonly kind: 'erase'; readonly rectangle: readonly [top: number, bottom: number, left: number, right: number] };

/** The eight numbers that `adjustImages` reads of an adjustment. Throws OpError where it is none. */
export function adjustmentRow(adjustment: ImageAdjustment): number[] {
  checkObject('adjustmentRow', "an adjustment, such as { kind: 'equalize' }", adjustment);
  checkChoice('adjustmentRow', 'kind', { value: adjustment.kind, known: Object.keys(adjustmentCodes) });
  const values = needed(adjustment);
  const numbers = [adjustmentCodes[adjustment.kind], ...(Array.isArray(values) ? values : [Number.NaN])];
  if (numbers.length > adjustmentNumbers || !numbers.every(Number.isFinite))
    throw new OpError(
      'adjustmentRow',
      `of ${adjustment.kind} the numbers are ${showValue(numbers.slice(1))}; give those that its type names, all finite`,
    );
  return [...numbers, ...Array.from({ length: adjustmentNumbers - numbers.length }, () => 0)];
}

function needed(adjustment: ImageAdjustment): readonly number[] {
  switch (adjustment.kind) {
    case 'brightness':
    case 'contrast':
    case 'saturation':
    case 'sharpness':
      // What is left for the other image, in float64 as Python takes it.
      return [adjustment.factor, 1 - adjustment.factor];
    case 'hue':
      return [adjustment.turn];
    case 'posterize':
      return [256 - 2 ** (8 - adjustment.bits)];
    case 'solarize':
      return [adjustment.threshold];
    case 'affine':
      return adjustment.matrix;
    case 'erase':
      return adjustment.rectangle;
    default:
      return [];
  }
}
