import type { Plan, Target } from '@initlab/kernels';
import { apply, applyOne, defineOp, type Op } from '../../op/op.js';
import { noGrad } from '../../op/tape.js';
import { AllOrNothing } from '../../storage/scope.js';
import type { TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from '../pointwise/cast.js';

/** A pooling of images, or what works like one. `Kind`: its kernels. */
interface Pooling<A, Kind> {
  readonly name: string;
  /** Shape of the result. */
  readonly shape: (attrs: A) => readonly number[];
  readonly plan: (kind: Kind, asked: { readonly dtype: TensorSpec['dtype']; readonly attrs: A; readonly target: Target }) => Plan;
}
interface FromImages {
  /** Shape of what is pooled. */
  readonly xShape: readonly number[];
}

/** Images lie channels last. */
const images = (shape: readonly number[], { dtype }: Pick<TensorSpec, 'dtype'>): TensorSpec => ({ shape, dtype, format: 'channelsLast' });

/** One that is linear, so that it and its gradient are each other's gradients. */
export function defineLinearPooling<A extends FromImages>({ name, shape, plan }: Pooling<A, 'forward' | 'grad'>): Op<A, ['x'], ['y']> {
  const op: Op<A, ['x'], ['y']> = defineOp<A>()({
    name,
    inputs: ['x'],
    outputs: ['y'],
    formats: () => ({ x: 'channelsLast' }),
    infer: ({ x }, attrs) => ({ y: images(shape(attrs), x) }),
    plan: ({ inputs: { x }, attrs, target }) => plan('forward', { dtype: x.dtype, attrs, target }),
    backward: ({ grads: { y: dy }, attrs }) => ({ x: applyOne(gradOp, { dy }, attrs) }),
    backwardDifferentiable: true,
  });
  const gradOp: Op<A, ['dy'], ['dx']> = defineOp<A>()({
    name: `${name}Grad`,
    inputs: ['dy'],
    outputs: ['dx'],
    formats: () => ({ dy: 'channelsLast' }),
    infer: ({ dy }, { xShape }) => ({ dx: images(xShape, dy) }),
    plan: ({ inputs: { dy }, attrs, target }) => plan('grad', { dtype: dy.dtype, attrs, target }),
    backward: ({ grads: { dx: x }, attrs }) => ({ dy: applyOne(op, { x }, attrs) }),
    backwardDifferentiable: true,
  });
  return op;
}

/**
 * One that takes the largest of each window, and tells which that is. Once the winners are known it is linear: picking their values and
 * giving them back are each other's gradients.
 */
export function defineMaxPooling<A extends FromImages>({
  name,
  shape,
  plan,
}: Pooling<A, 'max' | 'maxGrad' | 'maxSelect'>): {
  readonly op: Op<A, ['x'], ['y', 'index']>;
  readonly gradOp: Op<A, ['dy', 'index'], ['dx']>;
} {
  const gradOp: Op<A, ['dy', 'index'], ['dx']> = defineOp<A>()({
    name: `${name}Grad`,
    inputs: ['dy', 'index'],
    outputs: ['dx'],
    formats: () => ({ dy: 'channelsLast', index: 'channelsLast' }),
    infer: ({ dy }, { xShape }) => ({ dx: images(xShape, dy) }),
    plan: ({ inputs: { dy }, attrs, target }) => plan('maxGrad', { dtype: dy.dtype, attrs, target }),
    backward: ({ grads: { dx: x }, inputs: { index }, attrs }) => ({ dy: applyOne(selectOp, { x, index }, attrs) }),
    backwardDifferentiable: true,
  });
  const selectOp: Op<A, ['x', 'index'], ['y']> = defineOp<A>()({
    name: `${name}Select`,
    inputs: ['x', 'index'],
    outputs: ['y'],
    formats: () => ({ x: 'channelsLast', index: 'channelsLast' }),
    infer: ({ x }, attrs) => ({ y: images(shape(attrs), x) }),
    plan: ({ inputs: { x }, attrs, target }) => plan('maxSelect', { dtype: x.dtype, attrs, target }),
    backward: ({ grads: { y: dy }, inputs: { index }, attrs }) => ({ x: applyOne(gradOp, { dy, index }, attrs) }),
    backwardDifferentiable: true,
  });
  const op = defineOp<A>()({
    name,
    inputs: ['x'],
    outputs: ['y', 'index'],
    formats: () => ({ x: 'channelsLast' }),
    infer: ({ x }, attrs) => ({ y: images(shape(attrs), x), index: images(shape(attrs), { dtype: 'u32' }) }),
    plan: ({ inputs: { x }, attrs, target }) => plan('max', { dtype: x.dtype, attrs, target }),
    backward: ({ grads: { y: dy }, outputs: { index }, attrs }) => ({ x: dy && applyOne(gradOp, { dy, index }, attrs) }),
    backwardDifferentiable: true,
  });
  return { op, gradOp };
}

/** Values of windows, and where in its image each stood: row · width + column, i32; −1 of a window that lies in the padding alone. */
export interface PooledWithIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** What a pooling finds, and where. The values have a gradient. */
export function withIndices<A>(op: Op<A, ['x'], ['y', 'index']>, x: Tensor, attrs: A): PooledWithIndices {
  using whole = new AllOrNothing();
  const { y, index } = apply(op, { x }, attrs);
  return whole.done({ values: y, indices: noGrad(() => cast(index, 'i32')) });
}
