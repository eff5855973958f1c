import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { philoxWgsl } from '../random/philox.js';

/** Random changes of a training image, drawn per place in the batch. */
export interface ImageAugmentation {
  /** RandomCrop: pad by this much with black, then cut a window of the output's size. */
  readonly cropPadding?: number;
  /** RandomHorizontalFlip with probability ½. */
  readonly flip?: boolean;
  /** Cutout: a black square of this side around a random point, cut off at the border (arXiv:1708.04552). */
  readonly cutout?: number;
}

export interface GatherImagesProblem {
  readonly batch: number;
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
  readonly augmentation?: ImageAugmentation | undefined;
  readonly dtype: 'f32' | 'f16';
}

/**
 * A batch from a resident dataset. Slots: images (u32), index (i32), rng (u32[4]: seed, step; with augmentation) → y
 * (NHWC). y = (x / 255 − mean) / std; black is 0 before that, also in borders and cutouts.
 */
export function planGatherImages(problem: GatherImagesProblem, target: Target): Plan {
  const { dtype, outChannels, outHeight, outWidth } = problem;
  const { cropPadding = 0, flip = false, cutout = 0 } = problem.augmentation ?? {};
  const random = cropPadding > 0 || flip || cutout > 0;
  const pixels = problem.batch * outHeight * outWidth;
  const name = `gather-images-${dtype}-c${outChannels}${cropPadding > 0 ? '-crop' : ''}${flip ? '-flip' : ''}${cutout > 0 ? '-cutout' : ''}`;
  const perChannel = Object.fromEntries(problem.mean.flatMap((m, c) => [[`scale${c}`, f32(1 / (255 * (problem.std[c] ?? 1)))], [`shift${c}`, f32(-m / (problem.std[c] ?? 1))]]));
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name,
        enables: dtype === 'f16' ? ['f16'] : [],
        bindings: [read('images', 'u32'), read('index', 'i32'), ...(random ? [read('rng', 'u32')] : []), readWrite('y', dtype)],
        constants: {
          channels: u32(problem.channels),
          height: u32(problem.height),
          width: u32(problem.width),
          outHeight: u32(outHeight),
          outWidth: u32(outWidth),
          pixels: u32(pixels),
          // Half of what the output is larger, to centre the image.
          top: u32((outHeight - problem.height) >> 1),
          left: u32((outWidth - problem.width) >> 1),
          ...perChannel,
        },
        workgroups: linearGroups(ceilDiv(pixels, 64), target),
        code: () => `
${random ? philoxWgsl : ''}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= pixels) { return; }
  let x = i % outWidth;
  let y0 = (i / outWidth) % outHeight;
  let n = i / (outWidth * outHeight);
  var row = y0;
  var column = x;
  var black = false;
  ${random ? 'let draw = philox(vec4u(n, 0xda7au, rng[2], rng[3]), vec2u(rng[0], rng[1]));' : ''}
  ${cutout > 0 ? `let cy = i32(draw.w % outHeight); let cx = i32((draw.w / outHeight) % outWidth); black = i32(y0) >= cy - ${cutout >> 1} && i32(y0) < cy + ${cutout - (cutout >> 1)} && i32(x) >= cx - ${cutout >> 1} && i32(x) < cx + ${cutout - (cutout >> 1)};` : ''}
  ${flip ? 'if ((draw.z & 1u) == 1u) { column = outWidth - 1u - column; }' : ''}
  ${cropPadding > 0 ? `row = row + draw.x % ${2 * cropPadding + 1}u - ${cropPadding}u; column = column + draw.y % ${2 * cropPadding + 1}u - ${cropPadding}u;` : ''}
  // Unsigned: a position above or left of the image wraps to a huge number and fails the same test.
  row -= top;
  column -= left;
  let inside = !black && row < height && column < width;
  let base = u32(index[n]) * (channels * height * width) + select(0u, row * width + column, inside);
  ${Array.from({ length: outChannels }, (_, c) => {
    const at = `base + ${c % problem.channels}u * (height * width)`;
    return `{ let at = ${at}; let byte = (images[at / 4u] >> (8u * (at % 4u))) & 0xffu; y[i * ${outChannels}u + ${c}u] = ${dtype}(fma(select(0.0, f32(byte), inside), scale${c}, shift${c})); }`;
  }).join('\n  ')}
}`,
      }),
    ],
  };
}
