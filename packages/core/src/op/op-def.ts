import type { MemoryFormat, Plan, PointwiseChain, Target, Tunable } from '@initlab/kernels';
import type { TensorSpec } from '../tensor/spec.js';
import type { Tensor } from '../tensor/tensor.js';

/** What an op wants of an input's memory format; `keep` takes what comes. */
export type FormatWish = 'keep' | MemoryFormat;
type Maybe<T> = T | undefined;

/** What a plan is made from: specs, not tensors. */
export interface PlanContext<A> {
  readonly inputs: readonly Maybe<TensorSpec>[];
  readonly outputs: readonly TensorSpec[];
  readonly attrs: A;
  readonly target: Target;
}

/** What a gradient rule is given. */
export interface BackwardContext<A> {
  /** The op's inputs (after format conversion) and outputs, as the forward saw them. */
  readonly inputs: readonly Maybe<Tensor>[];
  readonly outputs: readonly Tensor[];
  /** Gradient of each output; `undefined` where nothing downstream used it. */
  readonly grads: readonly Maybe<Tensor>[];
  readonly attrs: A;
  /** Which inputs want a gradient; a rule may return `undefined` for the others. */
  readonly needs: readonly boolean[];
}
/** Gradients of an op's inputs, in their order; `undefined` where there is none. */
export type BackwardRule<A> = (context: BackwardContext<A>) => readonly Maybe<Tensor>[];

/** One op: shapes, plan and gradient, all in one place. See docs/add-an-op.md. */
export interface OpDef<A = unknown> {
  readonly name: string;
  /** Slot names of the plan, in argument order. A name ending in `?` may be absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Outputs' specs; throws `OpError` saying what was got and what would work. */
  infer(inputs: readonly Maybe<TensorSpec>[], attrs: A): readonly TensorSpec[];
  /** Format each input must have; default: keep what comes. Only 4-D tensors have a choice. */
  formats?(inputs: readonly Maybe<TensorSpec>[], attrs: A): readonly FormatWish[];
  /** Dispatches for operands and results that all have elements. */
  plan(context: PlanContext<A>): Plan;
  /**
   * The same where some have none (a size of zero) and something is left to write. Default: results that have elements become
   * zeros, sums of nothing, and what is written in place stays as it is.
   */
  planEmpty?(context: PlanContext<A>): Plan;
  /**
   * Set on ops that compute each element from the elements at its place: what they do, as a chain whose input i is the
   * op's input i. The compiler joins such ops into one kernel.
   */
  pointwise?(context: Omit<PlanContext<A>, 'target'>): PointwiseChain;
  /** Set on ops that can be computed in several ways: the problem, for the tuner. */
  tunable?(context: Omit<PlanContext<A>, 'target'>): Tunable;
  /** Input slots written in place (their plan slot keeps the input's name). */
  readonly mutates?: readonly string[];
  /** The single output shares the first input's bytes; `plan` is not asked. */
  readonly view?: boolean;
  /** The gradient rule. An op without one is not differentiable. */
  readonly backward?: BackwardRule<A>;
  /** `backward` is made of differentiable ops only, so it also serves `createGraph`. */
  readonly backwardDifferentiable?: boolean;
  /** A second rule made of differentiable ops, used under `createGraph` where `backward` is a fused kernel. */
  readonly backwardComposed?: BackwardRule<A>;
}

/** An op as an object of its own type: gives it its attributes' type. Run it with `apply`. */
export const defineOp = <A>(definition: OpDef<A>): OpDef<A> => definition;

/** Slot name of an operand: its declared name without the mark of optional ones. */
export const slotName = (name: string): string => (name.endsWith('?') ? name.slice(0, -1) : name);
