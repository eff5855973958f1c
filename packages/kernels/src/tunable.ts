import type { Plan, Target } from './plan.js';

/** A problem with several solutions: what planners choose from and the tuner measures. */
export interface Tunable {
  /** Names the problem in tuned tables, on every adapter alike. */
  readonly key: string;
  /** Multiply-adds, times two. */
  readonly flops: number;
  /** Makers of every solution's plan that can run on the target, best guess first; at least one. */
  candidates(target: Target): readonly (() => Plan)[];
  /**
   * What must agree besides the first output, where a further one is divided by the candidate's tiles: numbers made from
   * that output as the plan (see `Plan.parts`) divides it.
   */
  readonly totals?: (sums: ArrayLike<number>, plan: Plan) => ArrayLike<number>;
  /** The plain kernel the others are checked against. */
  reference(target: Target): Plan;
}

/** Plans made, by target and problem: they are pure data, and choosing one takes longer than running a small one. */
const made = new WeakMap<Target, Map<string, Plan>>();

/** The plan asked for by `target.variant`, or by the tuned table, or else the best guess. */
export function solve(problem: Tunable, target: Target): Plan {
  let plans = made.get(target);
  if (!plans) {
    plans = new Map();
    made.set(target, plans);
  }
  let plan = plans.get(problem.key);
  if (!plan) {
    plan = choose(problem, target);
    plans.set(problem.key, plan);
  }
  return plan;
}

function choose(problem: Tunable, target: Target): Plan {
  if (target.reference) return problem.reference(target);
  const makers = problem.candidates(target);
  const wanted = target.variant ?? target.tuned?.get(problem.key);
  if (wanted !== undefined)
    for (const make of makers) {
      const plan = make();
      if (plan.variant === wanted) return plan;
    }
  return (makers[0] as () => Plan)();
}
