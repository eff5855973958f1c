import { checkFlags, checkNumber, checkOptions, checkShape } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { apply, applyOne } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sameShape, sizeOf } from '../../storage/spec.js';
import { checkTensorOptions } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkF32, checkFloat } from '../arguments/operands.js';
import { add, mul } from '../pointwise/binary.js';
import { besides } from '../pointwise/cast.js';
import { rsqrt } from '../pointwise/unary.js';
import { reshape } from '../views/reshape.js';
import { normFixedOp, normTrainOp } from './norm-ops.js';

interface Affine {
  /** Multiplies what is normalised; given together with `bias`. */
  readonly weight?: Tensor | undefined;
  /** Added after that. */
  readonly bias?: Tensor | undefined;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number | undefined;
}

/** Options of `batchNorm`. */
export interface BatchNormOptions extends Affine {
  /** f32 [C]; used in evaluation, moved in training (in place). */
  readonly runningMean?: Tensor | undefined;
  /** As `runningMean`. */
  readonly runningVar?: Tensor | undefined;
  /** Normalise with the batch's own statistics; default false: with the running ones. */
  readonly training?: boolean | undefined;
  /** How far training moves the running statistics towards the batch's; default 0.1. */
  readonly momentum?: number | undefined;
}

const affine = ['weight', 'bias', 'eps'] as const;

/** Throws for what no norm of channels takes; returns how many there are. */
function check(op: string, x: Tensor, { weight, bias, eps = 1e-5 }: Affine): number {
  checkFloat(op, x);
  checkNumber(op, { eps }, { from: 0 });
  if (x.ndim !== 4 && x.ndim !== 2) throw new OpError(op, `takes [N, C, H, W] or [N, C], got ${showShape(x.shape)}`);
  if ((weight === undefined) !== (bias === undefined)) throw new OpError(op, 'takes weight and bias together or neither');
  const channels = x.shape[1] as number;
  for (const [name, p] of Object.entries({ weight, bias })) checkVector(op, p, { name, channels });
  return channels;
}

/** Parameters and statistics are f32 [C], also of f16 activations. */
function checkVector(op: string, p: Tensor | undefined, { name, channels }: { name: string; channels: number }): void {
  checkTensorOptions(op, { [name]: p });
  if (p && !sameShape(p.shape, [channels]))
    throw new OpError(op, `${name} ${showShape(p.shape)} should be [${channels}], one for each channel of x`);
  checkF32(op, p, name);
}

/**
 * Batch normalisation (PyTorch's `F.batch_norm`): the biased variance normalises, the unbiased one enters the running
 * variance. `x` [N, C, H, W] or [N, C].
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  checkOptions('batchNorm', options, [...affine, 'runningMean', 'runningVar', 'training', 'momentum']);
  const { weight, bias, runningMean, runningVar, training = false, momentum = 0.1, eps = 1e-5 } = options;
  const channels = check('batchNorm', x, options);
  checkNumber('batchNorm', { momentum }, { from: 0, to: 1 });
  checkFlags('batchNorm', { training });
  checkVector('batchNorm', runningMean, { name: 'runningMean', channels });
  checkVector('batchNorm', runningVar, { name: 'runningVar', channels });
  const attrs = { kind: 'batch' as const, groups: channels, eps, momentum };
  if (!training) {
    if (!runningMean || !runningVar)
      throw new OpError('batchNorm', 'evaluation needs runningMean and runningVar; pass training: true to use the batch');
    using whole = new AllOrNothing();
    return whole.done(applyOne(normFixedOp, { x, mean: runningMean, rstd: rsqrt(add(runningVar, eps)), weight, bias }, attrs));
  }
  if (sizeOf(x.shape.toSpliced(1, 1)) === 1)
    throw new OpError('batchNorm', `expected more than 1 value per channel when training, got ${showShape(x.shape)}`);
  return apply(normTrainOp, { x, weight, bias, runningMean, runningVar }, attrs).y;
}

const groupwise = (x: Tensor, { weight, bias, eps = 1e-5 }: Affine, groups: number): Tensor =>
  apply(normTrainOp, { x, weight, bias }, { kind: 'group', groups, eps }).y;

/** Group normalisation (PyTorch's `F.group_norm`, arXiv:1803.08494). `groups` divides the channels. */
export function groupNorm(x: Tensor, options: Affine & { groups: number }): Tensor {
  checkOptions('groupNorm', options, [...affine, 'groups']);
  const channels = check('groupNorm', x, options);
  if (!Number.isInteger(options.groups) || options.groups < 1 || channels % options.groups !== 0)
    throw new OpError('groupNorm', `groups ${options.groups} must divide the ${channels} channels`);
  // PyTorch's rule: several images of one value a group are taken, and become their bias.
  if (x.size === options.groups) throw new OpError('groupNorm', `expected more than 1 value per group, got ${showShape(x.shape)}`);
  return groupwise(x, options, options.groups);
}

/** Instance normalisation (PyTorch's `F.instance_norm` without running statistics). */
export function instanceNorm(x: Tensor, options: Affine = {}): Tensor {
  checkOptions('instanceNorm', options, affine);
  const channels = check('instanceNorm', x, options);
  if (sizeOf(x.shape.slice(2)) === 1)
    throw new OpError('instanceNorm', `expected more than 1 value per image and channel, got ${showShape(x.shape)}`);
  return groupwise(x, options, channels);
}

/** Throws unless the last dimensions of `x` are these, and its parameters have them. */
export function checkTail(op: string, x: Tensor, { normalizedShape, weight, bias }: Tail): void {
  checkShape(op, normalizedShape);
  checkTensorOptions(op, { weight, bias });
  if (normalizedShape.length === 0 || !sameShape(x.shape.slice(-normalizedShape.length), normalizedShape))
    throw new OpError(op, `normalizedShape ${showShape(normalizedShape)} is not the end of ${showShape(x.shape)}`);
  for (const [name, p] of Object.entries({ weight, bias }))
    if (p && !sameShape(p.shape, normalizedShape))
      throw new OpError(op, `${name} ${showShape(p.shape)} should be ${showShape(normalizedShape)}`);
}

interface Tail extends Pick<Affine, 'weight' | 'bias'> {
  readonly normalizedShape: readonly number[];
}

/** Layer normalisation over the last dimensions (PyTorch's `F.layer_norm`); weight and bias have `normalizedShape`. */
export function layerNorm(x: Tensor, options: Affine & { normalizedShape: readonly number[] }): Tensor {
  checkOptions('layerNorm', options, [...affine, 'normalizedShape']);
  checkFloat('layerNorm', x);
  const { normalizedShape, weight, bias, eps = 1e-5 } = options;
  checkNumber('layerNorm', { eps }, { from: 0 });
  checkTail('layerNorm', x, options);
  const image = x.ndim === 4 && normalizedShape.length === 3;
  // Whole images are normalised where they lie; other tails are rows of a matrix.
  using whole = new AllOrNothing();
  const rows = image ? x : reshape(x, [sizeOf(x.shape.slice(0, -normalizedShape.length)), sizeOf(normalizedShape)]);
  let y = groupwise(rows, { eps }, 1);
  if (!image) y = reshape(y, x.shape);
  if (weight) y = mul(y, besides(y, weight));
  return whole.done(bias ? add(y, besides(y, bias)) : y);
}
