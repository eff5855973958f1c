import { type ChainFunction, type DType, type PointwiseChain, planPointwise } from '@initlab/kernels';
import { OpError, showShape } from '../../checks/errors.js';
import { OpFamily } from '../../op/graph-node.js';
import { type BackwardRule, defineOp, type FormatWish, type Op, type OpDef, type SpecContext } from '../../op/op.js';
import type { Slots } from '../../op/slots.js';
import { broadcastShapes, broadcastStrides, formatsCoincide, physicalShape, type TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';

/** How a pointwise op wires its operands: tensors by position, or numbers. Also what the fusing rewrite reads. */
export interface PointwiseAttrs {
  readonly f: ChainFunction;
  /** One entry per argument of `f`: an operand's index or a number. */
  readonly args: readonly ({ readonly operand: number } | { readonly scalar: number })[];
  readonly attrs?: readonly number[];
  /** Element type of the result; default that of the first operand. */
  readonly dtype?: DType;
}

export type PointwiseOperands = ['x0', 'x1?', 'x2?', 'x3?'];
/** A pointwise op of one to four tensors. */
export type PointwiseOp = Op<PointwiseAttrs, PointwiseOperands, ['y0']>;
export type PointwiseRule = BackwardRule<PointwiseAttrs, PointwiseOperands, ['y0']>;

/** All of them. */
export const pointwiseOps = new OpFamily<PointwiseAttrs, PointwiseOperands, ['y0']>();

/** Tensors as the operands of a pointwise op: operand i is x<i>. */
export const pointwiseOperands = ([x0, x1, x2, x3]: readonly [Tensor, ...Tensor[]]): Slots<PointwiseOperands, Tensor> => ({
  x0,
  x1,
  x2,
  x3,
});

/** Define a pointwise op of one to four tensor operands (missing ones are numbers in the attributes). */
export function definePointwise(
  name: string,
  rules: Pick<OpDef<PointwiseAttrs, PointwiseOperands, ['y0']>, 'backward' | 'backwardComposed' | 'backwardDifferentiable'> = {},
): PointwiseOp {
  return pointwiseOps.add(
    defineOp<PointwiseAttrs>()<PointwiseOperands, ['y0']>({
      name,
      inputs: ['x0', 'x1?', 'x2?', 'x3?'],
      outputs: ['y0'],
      formats: pointwiseFormats,
      infer: (inputs, { dtype }) => ({ y0: pointwiseSpec(name, Object.values(inputs), dtype) }),
      pointwise: chainOf,
      plan: (context) => planPointwise(chainOf(context), context.target),
      ...rules,
    }),
  );
}

/** An op as a chain of one step. */
function chainOf({ inputs, outputs: { y0: output }, attrs }: SpecContext<PointwiseAttrs, PointwiseOperands, ['y0']>): PointwiseChain {
  return {
    shape: physicalShape(output),
    inputs: [inputs.x0, inputs.x1, inputs.x2, inputs.x3].flatMap((x) =>
      x ? [{ dtype: x.dtype, strides: broadcastStrides(x, output) }] : [],
    ),
    steps: [
      {
        f: attrs.f,
        args: attrs.args.map((arg) => ('operand' in arg ? { input: arg.operand } : arg)),
        ...(attrs.attrs ? { attrs: attrs.attrs } : {}),
      },
    ],
    outputs: [{ value: { step: 0 }, dtype: output.dtype }],
  };
}

type Specs = readonly (TensorSpec | undefined)[];

/** Channels-last wins: when one full-rank operand lies so, the others of rank 4 follow. */
export function pointwiseFormats<K extends string>(
  inputs: { readonly [name in K]?: TensorSpec | undefined },
): { [name in K]?: FormatWish } {
  const wanted = resultFormat(Object.values(inputs));
  const wishes: { [name in K]?: FormatWish } = {};
  for (const name in inputs) {
    const x = inputs[name];
    if (x && x.shape.length === 4 && !formatsCoincide(x.shape)) wishes[name] = wanted;
  }
  return wishes;
}

/** Memory format of a 4-D result of these operands. */
function resultFormat(inputs: Specs): TensorSpec['format'] {
  const images = inputs.filter((x) => x !== undefined && x.shape.length === 4);
  const telling = images.filter((x) => !formatsCoincide((x as TensorSpec).shape));
  return (telling.length > 0 ? telling : images).some((x) => x?.format === 'channelsLast') ? 'channelsLast' : 'rowMajor';
}

/** A result of these operands: of rank 4 it lies in memory as they do, of lower ranks in a row. */
export const specLike = (shape: readonly number[], inputs: Specs, dtype: DType = inputs[0]?.dtype ?? 'f32'): TensorSpec => ({
  shape,
  dtype,
  format: shape.length === 4 ? resultFormat(inputs) : 'rowMajor',
});

function pointwiseSpec(name: string, inputs: Specs, dtype?: DType): TensorSpec {
  const present = inputs.filter((x) => x !== undefined);
  let shape: readonly number[] = present[0]?.shape ?? [];
  for (const x of present.slice(1)) {
    const joined = broadcastShapes(shape, x.shape);
    if (!joined)
      throw new OpError(
        name,
        `shapes ${present.map((s) => showShape(s.shape)).join(' and ')} do not broadcast: trailing sizes must be equal or 1`,
      );
    shape = joined;
  }
  return specLike(shape, present, dtype);
}
