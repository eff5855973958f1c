import { type Conv2dDirection, type Conv2dProblem, conv2dOutputSize } from '@initlab/kernels';

/** Operands and results of the three products, each in row-major order of its logical shape (NCHW, OIHW). */
export interface Conv2dArrays {
  readonly x: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly bias?: ArrayLike<number> | undefined;
  readonly dy: ArrayLike<number>;
}

/**
 * One product of a convolution in float64, from the definition: every pair of an output element and a filter element
 * that meets an input element adds one term to the result asked for.
 */
export function conv2dOnCpu(problem: Conv2dProblem, direction: Conv2dDirection, { x, weight, bias, dy }: Conv2dArrays): Float64Array {
  const { batch, inChannels, inHeight, inWidth, outChannels, kernelHeight, kernelWidth, stride, padding, dilation, groups } = problem;
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const sizes = {
    forward: batch * outChannels * outHeight * outWidth,
    gradInput: batch * inChannels * inHeight * inWidth,
    gradWeight: outChannels * groupIn * kernelHeight * kernelWidth,
  };
  const result = new Float64Array(sizes[direction]);
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outChannels; o++)
      for (let oy = 0; oy < outHeight; oy++)
        for (let ox = 0; ox < outWidth; ox++) {
          const out = ((n * outChannels + o) * outHeight + oy) * outWidth + ox;
          if (direction === 'forward' && bias) result[out] = bias[o] as number;
          for (let c = 0; c < groupIn; c++)
            for (let r = 0; r < kernelHeight; r++)
              for (let s = 0; s < kernelWidth; s++) {
                const iy = oy * stride[0] + r * dilation[0] - padding[0];
                const ix = ox * stride[1] + s * dilation[1] - padding[1];
                if (iy < 0 || iy >= inHeight || ix < 0 || ix >= inWidth) continue;
                const channel = Math.floor(o / groupOut) * groupIn + c;
                const input = ((n * inChannels + channel) * inHeight + iy) * inWidth + ix;
                const filter = ((o * groupIn + c) * kernelHeight + r) * kernelWidth + s;
                if (direction === 'forward') result[out] = (result[out] as number) + (x[input] as number) * (weight[filter] as number);
                else if (direction === 'gradInput')
                  result[input] = (result[input] as number) + (dy[out] as number) * (weight[filter] as number);
                else result[filter] = (result[filter] as number) + (dy[out] as number) * (x[input] as number);
              }
        }
  return result;
}

/** [batch, channels, pixels] to [batch, pixels, channels]; the reverse with the two sizes swapped. */
export function swapChannels(
  values: ArrayLike<number>,
  { channels, pixels }: { channels: number; pixels: number },
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  const image = channels * pixels;
  for (let i = 0; i < values.length; i++) {
    const at = i % image;
    result[i - at + (at % pixels) * channels + Math.floor(at / pixels)] = values[i] as number;
  }
  return result;
}
