import type { ChainArg, ChainStep, PointwiseChain } from '@initlab/kernels';
import type { SpecContext } from '../../op/op-def.js';
import { physicalShape, rowMajorStrides } from '../../storage/spec.js';

/** How a tensor is seen as [segments, rows, channels]; the rest of the problem follows from the operands. */
export interface NormAttrs {
  readonly kind: 'batch' | 'group';
  readonly groups: number;
  readonly eps: number;
  readonly activation?: 'relu' | 'relu6' | undefined;
  /** Batch norm's running statistics move by this much. */
  readonly momentum?: number | undefined;
}

/**
 * Normalising with known statistics as a pointwise chain: (x − mean) · (rstd · weight) + bias + residual, activation, in
 * the kernel's order. Channels are walked as [groups, channels of a group], so that statistics are broadcast over the latter.
 */
export function normApplyChain({
  inputs: { x, weight, residual },
  outputs: { y: spec },
  attrs,
}: SpecContext<NormAttrs, ['x', 'mean', 'rstd', 'weight?', 'bias?', 'residual?'], ['y']>): PointwiseChain {
  const places = physicalShape(spec);
  const channels = places.at(-1) as number;
  const { groups } = attrs;
  const shape = [...places.slice(0, -1), groups, channels / groups];
  const broadcast = (image: number, group: number, within: number): number[] => [
    image,
    ...new Array<number>(shape.length - 3).fill(0),
    group,
    within,
  ];
  const statistic = { dtype: 'f32' as const, strides: broadcast(attrs.kind === 'batch' ? 0 : groups, 1, 0) };
  const perChannel = { dtype: 'f32' as const, strides: broadcast(0, channels / groups, 1) };
  const whole = { dtype: x.dtype, strides: rowMajorStrides(shape) };
  const steps: ChainStep[] = [];
  const push = (row: 'sub' | 'mul' | 'add', a: ChainArg, b: ChainArg): ChainArg => {
    steps.push({ f: { kind: 'binary', row }, args: [a, b] });
    return { step: steps.length - 1 };
  };
  const centred = push('sub', { input: 0 }, { input: 1 });
  const scale = weight ? push('mul', { input: 2 }, { input: 3 }) : { input: 2 };
  let value = push('mul', centred, scale);
  if (weight) value = push('add', value, { input: 4 });
  if (residual) value = push('add', value, { input: weight ? 5 : 3 });
  if (attrs.activation) {
    steps.push({ f: { kind: 'unary', row: attrs.activation }, args: [value] });
    value = { step: steps.length - 1 };
  }
  return {
    shape,
    inputs: [whole, statistic, statistic, ...(weight ? [perChannel, perChannel] : []), ...(residual ? [whole] : [])],
    steps,
    outputs: [{ value, dtype: spec.dtype }],
  };
}
