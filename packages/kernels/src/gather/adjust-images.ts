import { linearGroups, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { adjustImagesWgsl } from './adjust-images.wgsl.js';

export interface AdjustImagesProblem {
  readonly batch: number;
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Which of the rows' first dimension is theirs. */
  readonly step: number;
}

/** What a row's first number says. */
export const adjustmentCodes = {
  none: 0,
  affine: 1,
  brightness: 2,
  contrast: 3,
  saturation: 4,
  hue: 5,
  sharpness: 6,
  posterize: 7,
  solarize: 8,
  autocontrast: 9,
  equalize: 10,
  erase: 11,
} as const;
/** Numbers of a row: the code and what it needs. */
export const adjustmentNumbers = 8;

/**
 * Each image changed by its row. Slots: x (NHWC, bytes as floats), rows (f32 [steps, batch, 8]) → y like x, whole numbers from 0 to 255.
 * NaN stays NaN.
 */
export function planAdjustImages({ batch, channels, height, width, step }: AdjustImagesProblem, target: Target): Plan {
  return planSingle(`adjust-images-c${channels}`, target, {
    family: 'adjust-images',
    about: `Images NHWC, changed by rows of a code and seven numbers. A workgroup owns an image, each invocation every 256th pixel.
          Barriers: counts are 0 before they are added to; all are added before one invocation for each channel reads them; its levels
          are written before all read them.`,
    key: { channels },
    bindings: [read('x'), read('rows'), readWrite('y')],
    scalars: u32s({ batch, height, width, first: step * batch * adjustmentNumbers, levels: 256 }),
    workgroups: linearGroups(batch, target),
    // Else a driver for a CPU unrolls the loops over levels.
    bake: 'passed',
    code: ({ channels }) => adjustImagesWgsl(channels),
  });
}
