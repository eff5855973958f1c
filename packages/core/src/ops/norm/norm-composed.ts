import { sizeOf } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, mul, sub } from '../pointwise/binary.js';
import { rsqrt, square } from '../pointwise/unary.js';
import { mean, sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';

interface NormGrads {
  readonly x: Tensor;
  readonly weight?: Tensor;
  readonly bias?: Tensor;
}

interface Composed {
  readonly g: Tensor;
  readonly x: Tensor;
  readonly weight: Tensor | undefined;
  readonly attrs: { readonly kind: 'batch' | 'group'; readonly groups: number; readonly eps: number };
}

/** The gradients of a normalisation in differentiable ops, statistics recomputed: for gradients of gradients. */
export function composedNormGrad({ g, x, weight, attrs }: Composed): NormGrads {
  const channelAxis = x.shape.map((d, i) => (i === 1 ? d : 1));
  const others = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const weighted = weight ? mul(g, reshape(weight, channelAxis)) : g;
  // A view in which the statistics are over `dims`.
  const grouped = [x.shape[0] as number, attrs.groups, sizeOf(x.shape.slice(1)) / Math.max(1, attrs.groups)];
  const view = (t: Tensor): Tensor => (attrs.kind === 'batch' ? t : reshape(t, grouped));
  const dims = attrs.kind === 'batch' ? others : [2];
  const average = (t: Tensor): Tensor => mean(t, { dims, keepdim: true });
  const xs = view(x);
  const centred = sub(xs, average(xs));
  // By its definition, not `varMean`: whoever imports a norm would bring that op's kernels for this rule alone.
  const rstd = rsqrt(add(average(square(centred)), attrs.eps));
  const normalised = mul(centred, rstd);
  const ws = view(weighted);
  const inner = sub(sub(ws, average(ws)), mul(normalised, average(mul(ws, normalised))));
  const dx = reshape(mul(rstd, inner), x.shape);
  if (!weight) return { x: dx };
  const full = reshape(normalised, x.shape);
  return { x: dx, weight: sum(mul(g, full), { dims: others }), bias: sum(g, { dims: others }) };
}

export interface FixedNormGrad {
  readonly g: Tensor;
  readonly x: Tensor;
  readonly mean: Tensor;
  readonly rstd: Tensor;
  readonly weight: Tensor | undefined;
}

/** The gradients of a normalisation with given statistics (per channel), which are constants. */
export function composedFixedNormGrad({ g, x, mean: centre, rstd, weight }: FixedNormGrad): NormGrads {
  const channelAxis = x.shape.map((d, i) => (i === 1 ? d : 1));
  const others = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const along = (t: Tensor): Tensor => reshape(t, channelAxis);
  const scale = weight ? mul(along(rstd), along(weight)) : along(rstd);
  const dx = mul(g, scale);
  if (!weight) return { x: dx };
  const normalised = mul(sub(x, along(centre)), along(rstd));
  return { x: dx, weight: sum(mul(g, normalised), { dims: others }), bias: sum(g, { dims: others }) };
}
