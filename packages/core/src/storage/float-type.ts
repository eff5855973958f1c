import type { DType } from '@initlab/kernels';

/** The type in which a kernel of floats takes a tensor: ops refuse whole numbers before. */
export const floatType = (dtype: DType): 'f32' | 'f16' => (dtype === 'f16' ? 'f16' : 'f32');
