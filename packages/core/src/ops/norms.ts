import { OpError, showShape } from '../errors.js';
import { applyOne } from '../op.js';
import { sameShape } from '../spec.js';
import type { Tensor } from '../tensor.js';
import { add, mul } from './binary.js';
import { normFixedOp, normTrain } from './norm-ops.js';
import { reshape } from './reshape.js';
import { rsqrt } from './unary.js';

interface Affine {
  readonly weight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number | undefined;
}

export interface BatchNormOptions extends Affine {
  /** [C]; used in evaluation, moved in training. */
  readonly runningMean?: Tensor | undefined;
  readonly runningVar?: Tensor | undefined;
  readonly training?: boolean | undefined;
  readonly momentum?: number | undefined;
}

function check(op: string, x: Tensor, channels: number, { weight, bias }: Affine): void {
  if (x.ndim !== 4 && x.ndim !== 2) throw new OpError(op, `takes [N, C, H, W] or [N, C], got ${showShape(x.shape)}`);
  if ((weight === undefined) !== (bias === undefined)) throw new OpError(op, 'takes weight and bias together or neither');
  for (const [name, p] of [
    ['weight', weight],
    ['bias', bias],
  ] as const)
    if (p && !sameShape(p.shape, [channels])) throw new OpError(op, `${name} ${showShape(p.shape)} should be [${channels}]`);
}

/**
 * Batch normalisation (PyTorch's `F.batch_norm`): the biased variance normalises, the unbiased one enters the running
 * variance. `x` [N, C, H, W] or [N, C].
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  const { weight, bias, runningMean, runningVar, training = false, momentum = 0.1, eps = 1e-5 } = options;
  const channels = x.shape[1] ?? 0;
  check('batchNorm', x, channels, options);
  for (const statistic of [runningMean, runningVar])
    if (statistic && !sameShape(statistic.shape, [channels]))
      throw new OpError('batchNorm', `running statistics ${showShape(statistic.shape)} should be [${channels}]`);
  const attrs = { kind: 'batch' as const, groups: channels, eps, momentum };
  if (!training) {
    if (!runningMean || !runningVar)
      throw new OpError('batchNorm', 'evaluation needs runningMean and runningVar; pass training: true to use the batch');
    return applyOne(normFixedOp, [x, runningMean, rsqrt(add(runningVar, eps)), weight, bias], attrs);
  }
  if (x.size <= channels) throw new OpError('batchNorm', `expected more than 1 value per channel when training, got ${showShape(x.shape)}`);
  return normTrain([x, weight, bias, undefined, runningMean, runningVar], attrs);
}

/** Group normalisation (PyTorch's `F.group_norm`, arXiv:1803.08494). `groups` divides the channels. */
export function groupNorm(x: Tensor, options: Affine & { groups: number }): Tensor {
  const channels = x.shape[1] ?? 0;
  check('groupNorm', x, channels, options);
  if (!Number.isInteger(options.groups) || options.groups < 1 || channels % options.groups !== 0)
    throw new OpError('groupNorm', `groups ${options.groups} must divide the ${channels} channels`);
  return normTrain([x, options.weight, options.bias], { kind: 'group', groups: options.groups, eps: options.eps ?? 1e-5 });
}

/** Instance normalisation (PyTorch's `F.instance_norm` without running statistics). */
export function instanceNorm(x: Tensor, options: Affine = {}): Tensor {
  const channels = x.shape[1] ?? 0;
  check('instanceNorm', x, channels, options);
  return normTrain([x, options.weight, options.bias], { kind: 'group', groups: channels, eps: options.eps ?? 1e-5 });
}

/** Layer normalisation over the last dimensions (PyTorch's `F.layer_norm`); weight and bias have `normalizedShape`. */
export function layerNorm(x: Tensor, options: Affine & { normalizedShape: readonly number[] }): Tensor {
  const { normalizedShape, weight, bias, eps = 1e-5 } = options;
  const tail = x.shape.slice(x.ndim - normalizedShape.length);
  if (normalizedShape.length === 0 || !sameShape(tail, normalizedShape))
    throw new OpError('layerNorm', `normalizedShape ${showShape(normalizedShape)} is not the end of ${showShape(x.shape)}`);
  for (const [name, p] of [
    ['weight', weight],
    ['bias', bias],
  ] as const)
    if (p && !sameShape(p.shape, normalizedShape))
      throw new OpError('layerNorm', `${name} ${showShape(p.shape)} should be ${showShape(normalizedShape)}`);
  const image = x.ndim === 4 && normalizedShape.length === 3;
  // Whole images are normalised where they lie; other tails are rows of a matrix.
  const rows = image ? x : reshape(x, [-1, tail.reduce((a, b) => a * b, 1)]);
  let y = normTrain([rows], { kind: 'group', groups: 1, eps });
  if (!image) y = reshape(y, x.shape);
  if (weight) y = mul(y, weight);
  return bias ? add(y, bias) : y;
}
