import {
  add,
  arange,
  cast,
  equal,
  Generator,
  greaterEqual,
  hostNumbers,
  less,
  mul,
  narrow,
  OpError,
  reshape,
  roll,
  sub,
  type Tensor,
} from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';

/**
 * Images mixed with others of their batch, and their labels with them: which become probabilities of the classes, [B, K], as `crossEntropy`
 * takes them. Drawn for each batch from the dataset's seed and the number of batches made before. Image i meets image i − 1, the first
 * the last, as in torchvision's `v2.MixUp` and `v2.CutMix`; with both, one of the two is drawn for a batch.
 */
export interface BatchMixingOptions {
  /** α of mixup: every image is λ of itself and 1 − λ of the other, λ from Beta(α, α) (arXiv:1710.09412). Default 0: none. */
  readonly mixup?: number | undefined;
  /** α of CutMix: a rectangle of 1 − λ of the area, cut off at the border, comes from the other image (arXiv:1905.04899). Default 0: none. */
  readonly cutmix?: number | undefined;
}

/** What mixes the images of batches; `batchMixing` makes one, and whoever makes none has nothing of it in a bundle. */
export interface BatchMixing {
  /** Images [B, C, H, W] and labels [B] (i32) of batch `step()`, which is asked as numbers are drawn: mixed, labels as probabilities [B, K]. */
  mix(batch: ImageBatch, draw: { readonly seed: number; readonly classes: number; step(): number }): ImageBatch;
}

/** Images and their labels. */
export interface ImageBatch {
  readonly images: Tensor;
  readonly labels: Tensor;
}

/** Mixing for `ResidentDataset`: `new ResidentDataset(dataset, split, { mixing: batchMixing({ mixup: 0.2, cutmix: 1 }), seed })`. */
export function batchMixing(options: BatchMixingOptions): BatchMixing {
  checkOptions('batchMixing', options, ['mixup', 'cutmix']);
  const { mixup = 0, cutmix = 0 } = options;
  checkNumber('batchMixing', { mixup, cutmix }, { from: 0 });
  if (mixup === 0 && cutmix === 0) throw new OpError('batchMixing', 'mixes nothing; give an α above 0 for mixup or cutmix');
  return {
    mix: (batch, { seed, classes, step }) => {
      const [, , height = 0, width = 0] = batch.images.shape;
      using numbers = hostNumbers({ device: batch.images.device, count: 6, dtype: 'f32', label: 'mix of a batch' }, () =>
        mixNumbers(drawMix({ mixup, cutmix }, { seed, step: step(), height, width })),
      );
      return mixBatch(batch, { numbers, classes });
    },
  };
}

/** How a batch is mixed. */
interface Mix {
  /** Of an image outside the rectangle, what is its own. */
  readonly share: number;
  /** Of its label likewise. */
  readonly labelShare: number;
  /** What comes from the other image: these rows and columns, without the last of each. */
  readonly rectangle: readonly [top: number, bottom: number, left: number, right: number];
}

/** Keeps these draws apart from what else is drawn with a dataset's seed. */
const mixStream = 0x4d49_5800;
/** Words that a batch may use up; few need a tenth. */
const wordsEach = 1024;

/** What is drawn for batch `step`: on the host in float64, so that it is the same on every adapter. */
export function drawMix(
  { mixup = 0, cutmix = 0 }: BatchMixingOptions,
  { seed, step, height, width }: { seed: number; step: number; height: number; width: number },
): Mix {
  const generator = new Generator(seed, { stream: mixStream, offset: step * wordsEach });
  const cuts = cutmix > 0 && (mixup === 0 || generator.uniform() < 0.5);
  const share = betaOf(cuts ? cutmix : mixup, generator);
  if (!cuts) return { share, labelShare: share, rectangle: [0, 0, 0, 0] };
  const half = 0.5 * Math.sqrt(1 - share);
  const span = (size: number): [number, number] => {
    const [centre, reach] = [generator.integer(size), Math.floor(half * size)];
    return [Math.max(0, centre - reach), Math.min(size, centre + reach)];
  };
  const [left, right] = span(width);
  const [top, bottom] = span(height);
  return { share: 1, labelShare: 1 - ((bottom - top) * (right - left)) / (height * width), rectangle: [top, bottom, left, right] };
}

/** Beta(α, α), as X / (X + Y) of two gamma numbers; by their logarithms, since of a small α both may be no float64. */
function betaOf(alpha: number, generator: Generator): number {
  const [x, y] = [logGammaOf(alpha, generator), logGammaOf(alpha, generator)];
  // Of an α near the least float64 both logarithms are −∞: then either end, as likely.
  if (Number.isNaN(y - x)) return generator.uniform() < 0.5 ? 0 : 1;
  return 1 / (1 + Math.exp(y - x));
}

/** Logarithm of a Gamma(α, 1) number (Marsaglia & Tsang 2000). */
function logGammaOf(alpha: number, generator: Generator): number {
  const open = (): number => 1 - generator.uniform();
  if (alpha < 1) return logGammaOf(alpha + 1, generator) + Math.log(open()) / alpha;
  const d = alpha - 1 / 3;
  for (;;) {
    const z = generator.normal();
    const v = (1 + z / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(open()) < (z * z) / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}

/** Numbers of a mix as `mixBatch` reads them. */
const mixNumbers = ({ share, labelShare, rectangle }: Mix): number[] => [share, labelShare, ...rectangle];

/** Mixes images [B, C, H, W] by `numbers` (f32); labels [B] (i32) become probabilities [B, K]. */
function mixBatch({ images, labels }: ImageBatch, { numbers, classes }: { numbers: Tensor; classes: number }): ImageBatch {
  const { device } = images;
  const [, , height = 0, width = 0] = images.shape;
  const number = (at: number): Tensor => narrow(numbers, { dim: 0, start: at, length: 1 });
  const within = (places: Tensor, from: number): Tensor => mul(greaterEqual(places, number(from)), less(places, number(from + 1)));
  const count = (size: number, shape: number[]): Tensor => reshape(arange(size, { device, dtype: 'f32' }), shape);
  const cut = mul(within(count(height, [1, 1, height, 1]), 2), within(count(width, [1, 1, 1, width]), 4));
  const own = mul(sub(1, cut), number(0));
  const chosen = equal(reshape(cast(labels, 'f32'), [labels.size, 1]), count(classes, [1, classes]));
  return { images: mixed(images, own), labels: mixed(chosen, number(1)) };
}

/** `own` of each slice, and what is left of the slice before it. */
const mixed = (x: Tensor, own: Tensor): Tensor => add(mul(x, own), mul(roll(x, 1, { dim: 0 }), sub(1, own)));
