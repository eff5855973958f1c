import type { Plan, Target } from './plan.js';

/** A problem with several solutions: what planners choose from. `P`: what their plans say besides. */
export interface Choice<P extends Plan = Plan> {
  /** Names the problem in tuned tables, on every adapter alike. */
  readonly key: string;
  /** Multiply-adds, times two. */
  readonly flops: number;
  /** Makers of every solution's plan that can run on the target, best guess first; at least one. */
  candidates(target: Target): readonly (() => P)[];
}

/** A choice that the tuner can measure. */
export interface Tunable<P extends Plan = Plan> extends Choice<P> {
  /**
   * Of a problem with a further output that is divided by the candidate's tiles: into how many parts, and the numbers made
   * from them that must agree.
   */
  readonly totals?: { parts(plan: P): number; of(sums: ArrayLike<number>, plan: P): ArrayLike<number> };
  /** The plain kernel the others are checked against. */
  reference(target: Target): P;
}

/** Plans made, by target and problem: they are pure data, and choosing one takes longer than running a small one. */
const made = new WeakMap<Target, Map<string, Plan>>();

/** The plan asked for by `target.variant`, or by the tuned table, or else the best guess. */
export function solve<P extends Plan>(problem: Choice<P> & Partial<Pick<Tunable<P>, 'reference'>>, target: Target): P {
  let plans = made.get(target);
  if (!plans) {
    plans = new Map();
    made.set(target, plans);
  }
  // A key names one problem, whose plans are all of its type.
  let plan = plans.get(problem.key) as P | undefined;
  if (!plan) {
    plan = choose(problem, target);
    plans.set(problem.key, plan);
  }
  return plan;
}

function choose<P extends Plan>(problem: Parameters<typeof solve<P>>[0], target: Target): P {
  if (target.reference && problem.reference) return problem.reference(target);
  const makers = problem.candidates(target);
  const wanted = target.variant ?? target.tuned?.get(problem.key);
  if (wanted !== undefined)
    for (const make of makers) {
      const plan = make();
      if (plan.variant === wanted) return plan;
    }
  return (makers[0] as () => P)();
}
