import type { TensorSpec } from '../storage/spec.js';

/** Images as poolings make them: channels last. */
export const imageSpec = (shape: readonly number[], { dtype }: Pick<TensorSpec, 'dtype'>): TensorSpec => ({
  shape,
  dtype,
  format: 'channelsLast',
});
