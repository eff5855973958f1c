import * as core from '@initlab/core';
import { type Reduction, type Tensor, tensor } from '@initlab/core';
import { fill } from './fill.js';

/** Options of a case as its file has them. */
export type FunctionAttrs = Readonly<Record<string, unknown>>;
/** Operands in the order of the file. */
export type FunctionInputs = readonly [Tensor, Tensor, Tensor];
export type FunctionCall = (inputs: FunctionInputs, attrs: FunctionAttrs) => Tensor | readonly Tensor[];

/** What a case's options are, said by the function that takes them. */
const given = <T>(attrs: FunctionAttrs): T => attrs as unknown as T;
const dimOf = (attrs: FunctionAttrs): number => attrs.dim as number;
/** PyTorch's null, all dimensions, is to leave the option out here. */
const over = ({ dims, keepdim }: FunctionAttrs) => ({ ...(dims ? { dims: dims as number[] } : {}), keepdim: keepdim as boolean });
const reduced = (attrs: FunctionAttrs) => given<{ reduction: Reduction }>(attrs);

/** How each function of the file is called here. */
export const functionTable: Readonly<Record<string, FunctionCall>> = {
  squeeze: ([x], { dim }) => core.squeeze(x, dim as number | undefined),
  unsqueeze: ([x], a) => core.unsqueeze(x, dimOf(a)),
  transpose: ([x], { dims }) => core.transpose(x, dims as [number, number]),
  stack: (xs, a) => core.stack(xs, { dim: dimOf(a) }),
  split: ([x], a) => core.split(x, a.sizes as number | number[], { dim: dimOf(a) }),
  chunk: ([x], a) => core.chunk(x, a.chunks as number, { dim: dimOf(a) }),
  norm: ([x], a) => core.norm(x, { ...over(a), p: a.p === 'inf' ? Number.POSITIVE_INFINITY : (a.p as number) }),
  std: ([x], a) => core.std(x, { ...over(a), correction: a.correction as number }),
  logsumexp: ([x], a) => core.logsumexp(x, over(a)),
  prod: ([x], a) => {
    if (!a.zeros) return core.prod(x, over(a));
    const mask = tensor([1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0], { shape: [3, 4], device: x.device });
    return core.prod(core.mul(x, mask), over(a));
  },
  cumsum: ([x], a) => core.cumsum(x, given(a)),
  flip: ([x], { dims }) => core.flip(x, dims as number[]),
  roll: ([x], { shifts, ...rest }) => core.roll(x, shifts as number | number[], given(rest)),
  slice: ([x], { ranges }) => core.slice(x, ranges as core.SliceRange[]),
  pad: ([x], a) => core.pad(x, given(a)),
  sort: ([x], a) => both(core.sort(x, given(a))),
  topk: ([x], { k, ...rest }) => both(core.topk(x, k as number, given(rest))),
  indexSelect: ([x, index], a) => core.indexSelect(x, index, given(a)),
  gather: ([x, index], a) => core.gather(x, index, given(a)),
  scatterAdd: ([x, source, index], a) => core.scatterAdd(x, index, { source, ...given<{ dim: number }>(a) }),
  matmul: ([a, b]) => core.matmul(a, b),
  einsum: (operands, { equation }) => core.einsum(equation as string, operands),
  l1Loss: ([x, t], a) => core.l1Loss(x, t, reduced(a)),
  smoothL1Loss: ([x, t], a) => core.smoothL1Loss(x, t, given(a)),
  binaryCrossEntropyWithLogits: ([x, t], a) => {
    const posWeight = a.posWeight ? tensor(fill(5, { seed: 9, scale: 1, shift: 2 }), { device: x.device }) : undefined;
    return core.binaryCrossEntropyWithLogits(x, t, { ...reduced(a), posWeight });
  },
  klDiv: ([x, t], { reduction, logTarget }) =>
    core.klDiv(x, t, {
      reduction: reduction === 'batchmean' ? 'batchMean' : (reduction as Reduction),
      logTarget: logTarget as boolean,
    }),
};

const both = ({ values, indices }: core.Sorted): Tensor[] => [values, indices];
