import type { FlatParameters, Tensor } from '@initlab/core';
import { type OptimizerRule, optimizerUpdate } from '@initlab/core/internal';
import type { Run } from './missed-steps.js';

/** What an update is made of: the stretch of each flat vector that belongs to a run of neighbouring parameters. */
export interface UpdateParts {
  readonly param: Tensor;
  readonly grad: Tensor;
  /** The numbers of the method's rule. */
  readonly hyper: Tensor;
  readonly moments: readonly Tensor[];
  /** A loss scaler's state: gradients are unscaled, and where they are not finite nothing changes. */
  readonly lossScale: Tensor | undefined;
  /** All parameters of the group, and which of them these are. */
  readonly flat: FlatParameters;
  readonly run: Run;
  /** What the method made for the group. */
  readonly extra: readonly Tensor[];
}

/** How the parameters of a group are updated. */
export interface UpdateMethod {
  /** Its moments and numbers are the group's. */
  readonly rule: Pick<OptimizerRule, 'moments' | 'numbers'>;
  /** Tensors that it needs for a group besides, which are not saved. */
  readonly extra?: (flat: FlatParameters) => readonly Tensor[];
  update(parts: UpdateParts): void;
  /** The rate of a group that says none; default: the optimiser's. */
  readonly lr?: number | undefined;
}

/** What an optimiser is. */
export interface OptimizerKind<Options> {
  readonly name: string;
  /** What may be said of all parameters, or of a group. */
  readonly options: readonly string[];
  /** Defaults. */
  readonly lr?: number;
  readonly weightDecay?: number;
  /** How options have `params` updated; throws, as `op`, for those that it cannot take. First asked for the optimiser's own, of none. */
  method(op: string, options: Options, params: readonly Tensor[]): UpdateMethod;
}

/** Each element by itself, all in one dispatch. */
export const elementwise = (rule: OptimizerRule): UpdateMethod => ({
  rule,
  update: ({ param, grad, hyper, moments, lossScale }) => optimizerUpdate(rule, { param, grad, hyper, moments, lossScale }),
});
