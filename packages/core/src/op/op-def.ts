import type { EpilogueChoice, MemoryFormat, Plan, PointwiseChain, Target, Tunable } from '@initlab/kernels';
import type { TensorSpec } from '../storage/spec.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AllSlots, readSlots, type Slot, type SlotList, type SlotName, type Slots, type SomeSlots } from './slots.js';

/** What an op wants of an input's memory format; `keep` takes what comes. */
export type FormatWish = 'keep' | MemoryFormat;

/** An op's operands and results as specs, by slot. */
export interface SpecContext<A, In extends SlotList = SlotList, Out extends SlotList = SlotList> {
  readonly inputs: Slots<In, TensorSpec>;
  readonly outputs: Slots<Out, TensorSpec>;
  readonly attrs: A;
}
/** What a plan is made from: specs, not tensors. */
export interface PlanContext<A, In extends SlotList = SlotList, Out extends SlotList = SlotList> extends SpecContext<A, In, Out> {
  readonly target: Target;
}

/** Gradient of each output; absent where nothing downstream used it. Of a single output there is always one. */
type OutputGrads<Out extends SlotList> = {
  readonly [K in SlotName<Out>]: Out extends readonly [string] ? Tensor : Tensor | undefined;
};

/** What a gradient rule is given. */
export interface BackwardContext<A, In extends SlotList = SlotList, Out extends SlotList = SlotList> {
  /** The op's inputs (after format conversion) and outputs, as the forward saw them. */
  readonly inputs: Slots<In, Tensor>;
  readonly outputs: Slots<Out, Tensor>;
  readonly grads: OutputGrads<Out>;
  readonly attrs: A;
  /** Which inputs want a gradient; a rule may leave out the others. */
  readonly needs: AllSlots<In, boolean>;
}
/** Gradients of an op's inputs, by slot; absent where there is none. */
export type BackwardRule<A, In extends SlotList = SlotList, Out extends SlotList = SlotList> = (
  context: BackwardContext<A, In, Out>,
) => SomeSlots<In, Tensor>;

/**
 * One op: slots, shapes, plan and gradient, all in one place. What its functions take and give are objects with one field for each
 * slot, whose types follow from `inputs` and `outputs`. See docs/add-an-op.md.
 */
export interface OpDef<A = unknown, In extends SlotList = SlotList, Out extends SlotList = SlotList> {
  readonly name: string;
  /** Slots of the operands, as the plan names them. A name ending in `?` may be absent. */
  readonly inputs: readonly [...In];
  /** Slots of the results; one that may be absent is made where `infer` gives it a spec. */
  readonly outputs: readonly [...Out];
  /** Outputs' specs; throws `OpError` saying what was got and what would work. */
  infer(inputs: Slots<In, TensorSpec>, attrs: A): Slots<Out, TensorSpec>;
  /** Format that inputs must have; default: keep what comes. Only 4-D tensors have a choice. */
  formats?(inputs: Slots<In, TensorSpec>, attrs: A): SomeSlots<In, FormatWish>;
  /** Dispatches for operands and results that all have elements. */
  plan(context: PlanContext<A, In, Out>): Plan;
  /**
   * The same where some have none (a size of zero) and something is left to write. Default: results that have elements become
   * zeros, sums of nothing, and what is written in place stays as it is.
   */
  planEmpty?(context: PlanContext<A, In, Out>): Plan;
  /**
   * Set on ops that compute each element from the elements at its place: what they do, as a chain whose input i is the
   * i-th operand that is there. The compiler joins such ops into one kernel.
   */
  pointwise?(context: SpecContext<A, In, Out>): PointwiseChain;
  /** Set on ops that can be computed in several ways: the problem, for the tuner. */
  tunable?(context: SpecContext<A, In, Out>): Tunable | EpilogueChoice;
  /** Inputs written in place (their plan slot keeps the input's name). */
  readonly mutates?: readonly SlotName<In>[] | undefined;
  /** The input whose bytes the single output shares; `plan` is not asked. */
  readonly view?: SlotName<In>;
  /** The gradient rule. An op without one is not differentiable. */
  backward?(context: BackwardContext<A, In, Out>): SomeSlots<In, Tensor>;
  /** `backward` is made of differentiable ops only, so it also serves `createGraph`. */
  readonly backwardDifferentiable?: boolean;
  /** A second rule made of differentiable ops, used under `createGraph` where `backward` is a fused kernel. */
  backwardComposed?(context: BackwardContext<A, In, Out>): SomeSlots<In, Tensor>;
}

/** An op that can run: its definition, and its slots as they are read. Without parameters: whatever op. */
export interface Op<A = unknown, In extends SlotList = SlotList, Out extends SlotList = SlotList> extends OpDef<A, In, Out> {
  readonly operands: readonly Slot[];
  readonly results: readonly Slot[];
}

/** The plan of an op that runs nothing: of views, which are never planned, and where there is nothing to write. */
export const noPlan = (): Plan => ({ variant: 'nothing', dispatches: [], temporaries: [] });

/** `infer` of ops that only a rewrite makes, with their outputs. */
export const madeHere = (): never => {
  throw new Error('an op that is made while compiling only was called');
};

/** An op of its definition: `defineOp<Attrs>()({ … })`. Run it with `apply`. */
export const defineOp =
  <A>() =>
  <In extends SlotList, Out extends SlotList>(definition: OpDef<A, In, Out>): Op<A, In, Out> => ({
    ...definition,
    operands: readSlots(definition.inputs),
    results: readSlots(definition.outputs),
  });
