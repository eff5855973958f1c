import { ceilDiv, entry, f32, grid, heightWidth, planSingle, read, readWrite, u32, u32s } from '../kernel.js';
import type { Plan, SlotRange, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { philoxWgsl } from '../random/philox.js';
import { unrolled } from '../range.js';

export interface GatherImagesProblem {
  readonly batch: number;
  /** Words of the whole images slot. It is bound in parts where one binding cannot hold it (CIFAR's 154 MB, 128 MiB). */
  readonly imageWords: number;
  /** Stored images: bytes [count, channels, height, width], four to a word. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Batch images; larger than the stored ones means centred with a black border. */
  readonly outHeight: number;
  readonly outWidth: number;
  /** A multiple of `channels`: one stored channel may be repeated. */
  readonly outChannels: number;
  /** Per output channel, of x / 255. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /**
   * What the four words of an image's draw (Philox, counted by its place in the batch and the step) do. x and y, modulo 2 `crop` + 1:
   * rows and columns by which the window is off, less `crop`. Default 0: not at all.
   */
  readonly crop?: number | undefined;
  /** An odd z mirrors it. */
  readonly flip?: boolean | undefined;
  /** Side of a black square around the pixel w of the image, counted by columns. Default 0: none. */
  readonly cutout?: number | undefined;
  readonly dtype: 'f32' | 'f16';
}

/**
 * A batch from a resident dataset. Slots: images (u32), index (i32), rng (u32[4]: seed, step; where one of crop, flip and cutout is asked for) → y
 * (NHWC). y = (x / 255 − mean) / std; black is 0 before that, also in borders and cutouts. An index outside the images, which a
 * kernel cannot report, gives NaN.
 */
export function planGatherImages(problem: GatherImagesProblem, target: Target): Plan {
  const { dtype, outChannels, outHeight, outWidth, crop = 0, flip = false, cutout = 0 } = problem;
  const random = crop > 0 || flip || cutout > 0;
  const parts = imageParts(problem.imageWords * 4, target);
  const pixels = problem.batch * outHeight * outWidth;
  const name = `gather-images-${dtype}-c${outChannels}${crop > 0 ? `-crop${crop}` : ''}${flip ? '-flip' : ''}${cutout > 0 ? `-cutout${cutout}` : ''}${parts.length > 1 ? `-parts${parts.length}` : ''}`;
  const perChannel = Object.fromEntries(
    problem.mean.flatMap((m, c) => [
      [`scale${c}`, f32(1 / (255 * (problem.std[c] ?? 1)))],
      [`shift${c}`, f32(-m / (problem.std[c] ?? 1))],
    ]),
  );
  return planSingle(name, target, {
    family: 'gather-images',
    about:
      'Images of bytes [image][channel][row][column] to a batch of floats, NHWC, augmented by what the generator draws for each image. An invocation owns one pixel. No barriers.',
    key: keyOf(problem, parts.length),
    bindings: [
      ...parts.map(({ name }) => read(name, 'u32')),
      read('index', 'i32'),
      ...(random ? [read('rng', 'u32')] : []),
      readWrite('y', dtype),
    ],
    slots: parts.length > 1 ? Object.fromEntries(parts.map((part) => [part.name, part.range])) : {},
    scalars: {
      ...(parts.length > 1 ? { partWords: u32((parts[0] as ImagePart).range.bytes / 4) } : {}),
      ...u32s({ channels: problem.channels, height: problem.height, width: problem.width }),
      ...heightWidth('out', [outHeight, outWidth], u32),
      ...u32s({ pixels, count: Math.floor((problem.imageWords * 4) / (problem.channels * problem.height * problem.width)) }),
      // Half of what the output is larger, to centre the image.
      ...u32s({ top: (outHeight - problem.height) >> 1, left: (outWidth - problem.width) >> 1 }),
      ...perChannel,
    },
    workgroups: grid(pixels, target),
    bake: 'always',
    code: gatherImagesCode,
  });
}

const keyOf = ({ dtype, channels, outChannels, crop = 0, flip = false, cutout = 0 }: GatherImagesProblem, parts: number) =>
  ({ dtype, channels, outChannels, crop, flip, cutout, parts }) as const;

function gatherImagesCode(key: ReturnType<typeof keyOf>): string {
  const { dtype, outChannels, crop, flip, cutout } = key;
  const random = crop > 0 || flip || cutout > 0;
  return `
${random ? philoxWgsl : ''}${mathFunctions(['nanOf'])}
fn word(at: u32) -> u32 {
  ${Array.from({ length: key.parts }, (_, i) =>
    i === 0 ? '' : `if (at >= ${i}u * partWords) { return ${partName(i)}[at - ${i}u * partWords]; }`,
  )
    .reverse()
    .join('\n  ')}
  return images[at];
}
${entry('i', 'pixels')}
  let x = i % outWidth;
  let y0 = (i / outWidth) % outHeight;
  let n = i / (outWidth * outHeight);
  var row = y0;
  var column = x;
  var black = false;
  ${random ? 'let draw = philox(vec4u(n, 0xda7au, rng[2], rng[3]), vec2u(rng[0], rng[1]));' : ''}
  ${cutout > 0 ? `let cy = i32(draw.w % outHeight); let cx = i32((draw.w / outHeight) % outWidth); black = i32(y0) >= cy - ${cutout >> 1} && i32(y0) < cy + ${cutout - (cutout >> 1)} && i32(x) >= cx - ${cutout >> 1} && i32(x) < cx + ${cutout - (cutout >> 1)};` : ''}
  ${flip ? 'if ((draw.z & 1u) == 1u) { column = outWidth - 1u - column; }' : ''}
  ${crop > 0 ? `row = row + draw.x % ${2 * crop + 1}u - ${crop}u; column = column + draw.y % ${2 * crop + 1}u - ${crop}u;` : ''}
  // Unsigned: a position above or left of the image wraps to a huge number and fails the same test.
  row -= top;
  column -= left;
  let inside = !black && row < height && column < width;
  let known = u32(index[n]) < count;
  let base = u32(index[n]) * (channels * height * width) + select(0u, row * width + column, inside);
  ${unrolled(outChannels, '\n  ', (c) => {
    const at = `base + ${c % key.channels}u * (height * width)`;
    return `{ let at = ${at}; let byte = (word(at / 4u) >> (8u * (at % 4u))) & 0xffu; y[i * ${outChannels}u + ${c}u] = ${dtype}(select(nanOf(f32(byte)), fma(select(0.0, f32(byte), inside), scale${c}, shift${c}), known)); }`;
  })}
}`;
}

const partName = (i: number): string => (i === 0 ? 'images' : `images${i}`);

interface ImagePart {
  /** Variable in the WGSL; the first is `images`. */
  readonly name: string;
  readonly range: SlotRange;
}

/** How many bytes of images `target` can bind at once: index, random numbers and the output need a binding each. */
export const mostImageBytes = (target: Pick<Target, 'maxStorageBinding' | 'maxStorageBuffers'>): number =>
  (target.maxStorageBuffers - 3) * partBytesOf(target);

const partBytesOf = ({ maxStorageBinding }: Pick<Target, 'maxStorageBinding'>): number => Math.floor(maxStorageBinding / 256) * 256;

/** The images slot cut so that every part fits a binding. */
function imageParts(bytes: number, target: Target): ImagePart[] {
  const partBytes = partBytesOf(target);
  const count = Math.max(1, ceilDiv(bytes, partBytes));
  return Array.from({ length: count }, (_, i) => ({
    name: partName(i),
    range: { slot: 'images', offset: i * partBytes, bytes: Math.min(partBytes, bytes - i * partBytes) },
  }));
}
