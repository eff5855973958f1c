import { type GatherImagesProblem, mostImageBytes, planGatherImages } from '@initlab/kernels';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { sizeOf } from '../../storage/spec.js';
import { checkTensorOptions, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

type Attrs = Omit<GatherImagesProblem, 'batch' | 'dtype' | 'imageWords'> & {
  /** Element type of the batch; default f32. */
  readonly dtype?: GatherImagesProblem['dtype'] | undefined;
};

const gatherOp = defineOp<Attrs>()({
  name: 'gatherImages',
  inputs: ['images', 'index', 'rng?'],
  outputs: ['y'],
  infer: ({ index }, attrs) => ({
    y: {
      shape: [index.shape[0] ?? 0, attrs.outChannels, attrs.outHeight, attrs.outWidth],
      dtype: attrs.dtype ?? 'f32',
      format: 'channelsLast',
    },
  }),
  plan: ({ inputs: { images, index }, attrs, target }) =>
    planGatherImages({ ...attrs, imageWords: sizeOf(images.shape), batch: index.shape[0] ?? 0, dtype: attrs.dtype ?? 'f32' }, target),
});

/** Options of `gatherImages`: how images are stored, what becomes of them, and the random state. */
export interface GatherImagesOptions extends Attrs {
  /** u32[4]: seed (low, high) and step (low, high); needed where one of `crop`, `flip` and `cutout` is asked for. */
  readonly rng?: Tensor | undefined;
}

/**
 * A normalised batch [B, C, H, W] from images kept on the device as bytes (u32 words, four bytes each): `index` (i32
 * [B]) picks them. `crop`, `flip` and `cutout` say what is drawn for each, by its place in the batch and the step. An index outside the images gives NaN: a kernel
 * cannot throw. Not differentiable.
 */
export function gatherImages(images: Tensor, index: Tensor, options: GatherImagesOptions): Tensor {
  checkTensors('gatherImages', { images, index });
  const { rng, ...attrs } = options;
  checkTensorOptions('gatherImages', { rng });
  if (images.dtype !== 'u32' || index.dtype !== 'i32' || index.ndim !== 1)
    throw new OpError(
      'gatherImages',
      `takes images u32 and index i32 [B], got ${images.dtype} and ${index.dtype} ${showShape(index.shape)}`,
    );
  if (attrs.outChannels % attrs.channels !== 0)
    throw new OpError('gatherImages', `${attrs.channels} stored channels do not repeat to ${attrs.outChannels}`);
  if (attrs.outHeight < attrs.height || attrs.outWidth < attrs.width)
    throw new OpError('gatherImages', 'the output is smaller than the stored images; resize them before');
  if (attrs.mean.length !== attrs.outChannels || attrs.std.length !== attrs.outChannels)
    throw new OpError('gatherImages', `mean and std need ${attrs.outChannels} values each`);
  if (images.size === 0 && index.size > 0)
    throw new OpError('gatherImages', `there are no images to take ${index.size} from: images is ${showShape(images.shape)}`);
  const { crop = 0, flip = false, cutout = 0 } = attrs;
  if ((crop > 0 || flip || cutout > 0) && !rng) throw new OpError('gatherImages', 'crop, flip and cutout draw numbers: give rng');
  const [bytes, most] = [4 * images.size, mostImageBytes(images.device.target)];
  if (bytes > most)
    throw new OpError('gatherImages', `${bytes} bytes of images are more than the ${most} that the adapter binds; use fewer images`);
  return applyOne(gatherOp, { images, index, rng }, attrs);
}
