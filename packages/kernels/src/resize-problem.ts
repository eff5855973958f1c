/** NHWC images that become images of another size: adaptive pooling, resampling. */
export interface ResizeProblem {
  readonly batch: number;
  readonly channels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly dtype: 'f32' | 'f16';
}
