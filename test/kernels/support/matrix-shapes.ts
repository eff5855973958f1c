import type { Conv2dProblem, MatmulProblem, Plan } from '@initlab/kernels';

/** Unusual convolutions: channels in eights, in fours, odd; strides that fall apart into phases; 1×1; sums cut into parts. */
export const matrixConvs = {
  eights: {
    batch: 2,
    inChannels: 16,
    outChannels: 24,
    inHeight: 9,
    inWidth: 8,
    kernelHeight: 3,
    kernelWidth: 3,
    padding: [1, 1],
    bias: true,
  },
  'fours, strided': {
    batch: 2,
    inChannels: 12,
    outChannels: 20,
    inHeight: 9,
    inWidth: 10,
    kernelHeight: 3,
    kernelWidth: 3,
    stride: [2, 2],
    padding: [1, 1],
  },
  'odd, strided and dilated': {
    inChannels: 5,
    outChannels: 7,
    inHeight: 11,
    inWidth: 13,
    kernelHeight: 3,
    kernelWidth: 2,
    stride: [2, 3],
    dilation: [2, 1],
    padding: [3, 1],
    bias: true,
  },
  '1×1': { batch: 3, inChannels: 24, outChannels: 8, inHeight: 5, inWidth: 7, bias: true },
  'fours, strides beyond the kernel': {
    batch: 2,
    inChannels: 12,
    outChannels: 20,
    inHeight: 9,
    inWidth: 11,
    kernelHeight: 1,
    kernelWidth: 2,
    stride: [2, 3],
    padding: [1, 0],
  },
  '1×1, strided, odd': { inChannels: 3, outChannels: 17, inHeight: 6, inWidth: 7, stride: [2, 2] },
  'several workgroups and parts': {
    batch: 3,
    inChannels: 40,
    outChannels: 72,
    inHeight: 8,
    inWidth: 8,
    kernelHeight: 3,
    kernelWidth: 3,
    padding: [1, 1],
    bias: true,
  },
} as const satisfies Record<string, Partial<Conv2dProblem>>;

export const ways = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

/** Matrix products of lengths in eights, in fours, odd, and with a sum cut into parts; both operands either way. */
export const matrixProducts: readonly Partial<MatmulProblem>[] = [
  { m: 96, n: 40, k: 72 },
  { m: 20, n: 12, k: 36, bias: true },
  { m: 37, n: 19, k: 131, bias: true },
  { m: 64, n: 64, k: 4096, bias: true },
].flatMap((sizes) => ways.map((way) => ({ ...sizes, ...way })));

/** The tile that a software driver compiles quickest. */
export const smallTile = /-matrix-64x16x32-/;
export const onMatrices = ({ variant }: Plan): boolean => variant.includes('-matrix-');
