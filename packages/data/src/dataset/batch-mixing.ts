import {
  add,
  arange,
  cast,
  checkNumber,
  checkOptions,
  equal,
  Generator,
  greaterEqual,
  less,
  mul,
  narrow,
  reshape,
  roll,
  sub,
  type Tensor,
} from '@initlab/core';

/**
 * Images mixed with others of their batch, and their labels with them: which become probabilities of the classes, [B, K], as `crossEntropy`
 * takes them. Drawn for each batch from the dataset's seed and the number of batches made before. Image i meets image i − 1, the first
 * the last, as in torchvision's `v2.MixUp` and `v2.CutMix`; with both, one of the two is drawn for a batch.
 */
export interface BatchMixing {
  /** α of mixup: every image is λ of itself and 1 − λ of the other, λ from Beta(α, α) (arXiv:1710.09412). Default 0: none. */
  readonly mixup?: number | undefined;
  /** α of CutMix: a rectangle of 1 − λ of the area, cut off at the border, comes from the other image (arXiv:1905.04899). Default 0: none. */
  readonly cutmix?: number | undefined;
}

/** Throws naming what `mixing` does not have, or out of range. */
export function checkMixing(name: string, mixing: BatchMixing): void {
  checkOptions(name, mixing, ['mixup', 'cutmix']);
  const { mixup = 0, cutmix = 0 } = mixing;
  checkNumber(name, { mixup, cutmix }, { from: 0 });
}

/** Whether anything is mixed. */
export const mixes = ({ mixup = 0, cutmix = 0 }: BatchMixing = {}): boolean => mixup > 0 || cutmix > 0;

/** How a batch is mixed. */
export interface Mix {
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
  { mixup = 0, cutmix = 0 }: BatchMixing,
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
export const mixNumbers = ({ share, labelShare, rectangle }: Mix): number[] => [share, labelShare, ...rectangle];
export const mixNumberCount = 6;

/** Mixes images [B, C, H, W] by `numbers` (f32); labels [B] (i32) become probabilities [B, K]. */
export function mixBatch(
  { images, labels }: { images: Tensor; labels: Tensor },
  { numbers, classes }: { numbers: Tensor; classes: number },
): { images: Tensor; labels: Tensor } {
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
