/**
 * How an optimiser changes an element, as its kernel is written. The formulas are WGSL on four elements at once: `w` and the moments,
 * by their names, are variables to give new values to; `g` is the gradient, unscaled, a variable too; `lr`, `decay` and the `numbers`
 * are f32, and the constants `p.name`.
 */
export interface OptimizerRule {
  /** Names the kernel: no two rules share one. */
  readonly name: string;
  /** Which terms the formulas have. With the name they are all that the text depends on, and part of the kernel's name. */
  readonly terms?: Readonly<Record<string, boolean>>;
  /** The moments, and what their elements are at first. */
  readonly moments: Readonly<Record<string, number>>;
  /** Numbers that stay. */
  readonly constants: Readonly<Record<string, number>>;
  /**
   * Numbers of the update that is a parameter's `updates`-th, from 1. Where a rule has none, it does not matter how many a parameter
   * had: they are not counted, and not saved.
   */
  readonly numbers?: (updates: number) => Readonly<Record<string, number>>;
  readonly formulas: string;
}

/**
 * A rule whose step of a parameter is as long as that parameter's length says. Beside what an `OptimizerRule` has, `formulas` read
 * `trust`, an f32 of the whole parameter.
 */
export interface LayerwiseRule extends OptimizerRule {
  /** WGSL that gives `u`, four elements, a value, whose length is compared with the parameter's; it may change the moments. */
  readonly direction: string;
  /** Whether it does: then `formulas` only read them. */
  readonly directionMoves: boolean;
  /** WGSL expression of `trust`, where neither `parameterLength` nor `directionLength` is 0; else it is 1. */
  readonly trust: string;
}
export const isLayerwise = (rule: OptimizerRule): rule is LayerwiseRule => 'trust' in rule;

/** Terms that a rule has, by name. */
export const termsOf = ({ terms = {} }: Pick<OptimizerRule, 'terms'>): string[] => Object.keys(terms).filter((term) => terms[term]);
/** A rule in the name of a kernel: `sgd momentum`. */
export const showRule = (rule: Pick<OptimizerRule, 'name' | 'terms'>): string => [rule.name, ...termsOf(rule)].join(' ');

export const rateNames = ['lr', 'decay', 'gradScale'] as const;
export type Rates = Readonly<Record<(typeof rateNames)[number], number>>;

/** What the small buffer `hyper` holds, which the host writes before each update, in order: rates, and the rule's `numbers`. */
export const hyperNames = (rule: Pick<OptimizerRule, 'numbers'>): readonly string[] => [
  ...rateNames,
  ...Object.keys(rule.numbers?.(1) ?? {}),
];

/** Those numbers for an update. */
export const hyperNumbers = (
  { numbers }: Pick<OptimizerRule, 'numbers'>,
  { updates, ...rates }: Rates & { readonly updates: number },
): number[] => [...rateNames.map((name) => rates[name]), ...Object.values(numbers?.(updates) ?? {})];
