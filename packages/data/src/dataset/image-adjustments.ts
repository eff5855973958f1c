import { add, cat, Generator, hostNumbers, mul, OpError, reshape, type Tensor, tensor } from '@initlab/core';
import { adjustImages, adjustmentRow, checkOptions, type ImageAdjustment } from '@initlab/core/internal';
import { type ColorJitterOptions, checkColorJitter, type JitterRanges, randomJitter } from './color-jitter.js';
import type { ImageSize } from './image-dataset.js';
import { checkRandAugment, type RandAugmentOptions, randomOperation } from './rand-augment.js';

/**
 * Changes of colours and shapes, drawn for each image of each batch from the dataset's seed, the number of batches made before and the
 * image's place: on the host in float64, so that they are the same on every adapter; made on the GPU. Both: first the jitter.
 */
export interface ImageAdjustmentOptions {
  readonly colorJitter?: ColorJitterOptions | undefined;
  readonly randAugment?: RandAugmentOptions | undefined;
}

/** What changes the images of batches; `imageAdjustments` makes one, and whoever makes none has nothing of it in a bundle. */
export interface ImageAdjustments {
  /** Bytes as floats [B, 1 or 3, H, W], changed, cut out of and normalised: [B, C, H, W] for the C means. */
  make(bytes: Tensor, draw: AdjustmentDraw & { readonly mean: readonly number[]; readonly std: readonly number[] }): Tensor;
}

/** What is drawn by, and what else is drawn with it. */
interface AdjustmentDraw {
  readonly seed: number;
  /** Asked as numbers are drawn. */
  step(): number;
  /** Side of Cutout's square, after all else; 0 for none. */
  readonly cutout: number;
}

/** For `ResidentDataset`: `new ResidentDataset(dataset, split, { adjustments: imageAdjustments({ randAugment: { magnitude: 9 } }), seed })`. */
export function imageAdjustments(options: ImageAdjustmentOptions): ImageAdjustments {
  const name = 'imageAdjustments';
  const drawn = checkedAdjustments(options);
  if (drawn.jitter.length === 0 && !drawn.augment) throw new OpError(name, 'changes nothing; give colorJitter or randAugment');
  return {
    make: (bytes, { seed, step, cutout, mean, std }) => {
      const [batch = 0, channels = 0, height = 0, width = 0] = bytes.shape;
      if (!(channels === 1 || channels === 3))
        throw new OpError(name, `colours of ${channels} channels are not known; images must have one or three`);
      const steps = drawn.jitter.length + (drawn.augment?.numOps ?? 0) + (cutout > 0 ? 1 : 0);
      using numbers = hostNumbers({ device: bytes.device, count: steps * batch * 8, dtype: 'f32', label: 'changes of images' }, () =>
        drawAdjustments(drawn, { seed, step: step(), batch, cutout, size: { height, width } }).flatMap((row) => row.flatMap(adjustmentRow)),
      );
      const rows = reshape(numbers, [steps, batch, 8]);
      let images = bytes;
      for (let at = 0; at < steps; at++) images = adjustImages(images, rows, { step: at });
      return normalised(images, mean, std);
    },
  };
}

/** Ranges and strengths of what is drawn. */
interface Drawn {
  readonly jitter: JitterRanges;
  readonly augment: ReturnType<typeof checkRandAugment> | undefined;
}

/** Throws where an option is out of range. */
export function checkedAdjustments(options: ImageAdjustmentOptions): Drawn {
  checkOptions('imageAdjustments', options, ['colorJitter', 'randAugment']);
  const { colorJitter, randAugment } = options;
  return {
    jitter: colorJitter ? checkColorJitter('colorJitter', colorJitter) : [],
    augment: randAugment && checkRandAugment('randAugment', randAugment),
  };
}

/** Keeps these draws apart from what else is drawn with a dataset's seed. */
const adjustmentStream = 0x434a_5241;
/** Words that a batch may use up. */
const wordsEach = 2 ** 24;

/** What is drawn for batch `step`: of each step from one change to the next the images' in order. */
export function drawAdjustments(
  { jitter, augment }: Drawn,
  { seed, step, batch, cutout, size }: { seed: number; step: number; batch: number; cutout: number; size: ImageSize },
): ImageAdjustment[][] {
  const generator = new Generator(seed, { stream: adjustmentStream, offset: step * wordsEach });
  const uniform = (): number => generator.uniform();
  const { height, width } = size;
  const images = Array.from({ length: batch }, () => [
    ...randomJitter(jitter, uniform),
    ...(augment ? Array.from({ length: augment.numOps }, () => randomOperation(augment, uniform, size)) : []),
    ...(cutout > 0 ? [square(cutout, Math.floor(uniform() * height), Math.floor(uniform() * width))] : []),
  ]);
  return Array.from({ length: images[0]?.length ?? 0 }, (_, at) => images.map((image) => image[at] ?? { kind: 'none' }));
}

/** Around a pixel, cut off at the border. */
function square(side: number, row: number, column: number): ImageAdjustment {
  const [top, left] = [row - Math.floor(side / 2), column - Math.floor(side / 2)];
  return { kind: 'erase', rectangle: [top, top + side, left, left + side] };
}

/** (x / 255 − mean) / std, channels repeated to as many as there are means. */
function normalised(bytes: Tensor, mean: readonly number[], std: readonly number[]): Tensor {
  const [, channels = 1] = bytes.shape;
  const times = channels === 1 ? 1 : mean.length / channels;
  const all =
    times === 1
      ? bytes
      : cat(
          Array.from({ length: times }, () => bytes),
          { dim: 1 },
        );
  const each = (of: (c: number) => number): Tensor =>
    tensor(
      mean.map((_, c) => of(c)),
      { shape: [1, mean.length, 1, 1], device: bytes.device },
    );
  const [scale, shift] = [each((c) => 1 / (255 * (std[c] as number))), each((c) => -(mean[c] as number) / (std[c] as number))];
  return add(mul(all, scale), shift);
}
