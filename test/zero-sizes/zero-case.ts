import type { Tensor } from '@initlab/core';

/** An op on tensors of which some have no elements, and what PyTorch gives. */
export interface ZeroCase {
  readonly title: string;
  /** Shapes of the operands: leaves of ones. */
  readonly inputs: readonly (readonly number[])[];
  readonly f: (...x: Tensor[]) => Tensor;
  /** Shape of the result, and the value of each of its elements (if it has any). */
  readonly y: readonly [shape: readonly number[], value?: number];
  /** Value of each element of the leaves' gradients where the result's is 1; default 0. `none`: not differentiable. */
  readonly grads?: readonly number[] | 'none';
  /** Takes f32 only. */
  readonly only32?: true;
}

/** Cases of each op, by its exported name. */
export type ZeroCases = Readonly<Record<string, readonly ZeroCase[]>>;
