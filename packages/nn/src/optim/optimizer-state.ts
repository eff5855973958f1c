import { OpError, type Tensor } from '@initlab/core';
import { checkNumber, showValue } from '@initlab/core/internal';

/**
 * Everything an optimiser needs to go on where it stood, besides the parameters. JSON makes something else of its arrays:
 * `saveOptimizer` makes a file of it.
 */
export interface OptimizerState {
  /** Calls of `step` so far. */
  readonly steps: number;
  /** Learning rate in force. */
  readonly lr: number;
  /** Moments of each group, flat. */
  readonly moments: readonly (readonly ArrayLike<number>[])[];
  /** Steps that each parameter of each group had no part in, or that a loss scaler skipped; absent when all had part in all. */
  readonly missed?: readonly (readonly number[])[] | undefined;
  /** What the moments of each group are, and of what. Absent from states of earlier versions, whose sizes alone are looked at. */
  readonly groups?: readonly GroupLayout[] | undefined;
}

/** What tells whose a group's moments are. */
export interface GroupLayout {
  /** Their names, in order. */
  readonly names: readonly string[];
  /** Elements of each parameter. */
  readonly sizes: readonly number[];
}

/** What a saved state is held against: the moments of a group, and how many parameters it has. */
interface StateOfGroup {
  readonly moments: readonly Tensor[];
  readonly missed: { readonly counts: readonly number[] };
  readonly layout: GroupLayout;
}

const lengths = (moments: readonly { readonly size?: number; readonly length?: number }[] | undefined): string =>
  `[${moments?.map((moment) => moment.size ?? moment.length).join(', ') ?? ''}]`;

/** Throws for what is no state of an optimiser with these groups, before any of it is taken over. */
export function checkState(saved: OptimizerState, groups: readonly StateOfGroup[]): void {
  const { steps, lr, moments, missed, groups: layouts } = saved ?? {};
  const refuse = (why: string): never => {
    throw new OpError('loadState', why);
  };
  if (typeof steps !== 'number' || typeof lr !== 'number' || !Array.isArray(moments))
    refuse('takes what an optimiser’s state() gave; loadOptimizer reads a file of saveOptimizer');
  checkNumber('loadState', { steps }, { from: 0, whole: true });
  checkNumber('loadState', { lr }, { from: 0 });
  groups.forEach(({ moments: own, layout }, i) => {
    const [found, wanted] = [layouts ? layouts[i] : layout, layout].map((of) => `${of?.names} of parameters of ${of?.sizes} elements`);
    if (found !== wanted)
      refuse(`the saved state belongs to other parameters or another optimiser: group ${i} has ${found}, here ${wanted}`);
    const there = moments[i];
    if (there !== undefined && !Array.isArray(there))
      refuse(`moments of group ${i} are ${showValue(there)}; give a list of arrays of numbers`);
    if (there?.some((moment) => moment?.length === undefined))
      refuse('the moments are no arrays of numbers, which JSON makes of them; use saveOptimizer and loadOptimizer');
    if (lengths(there) !== lengths(own) || moments.length !== groups.length)
      refuse(
        `the saved state belongs to other parameters or another optimiser: ${moments.length} groups, moments of group ${i} ${lengths(there)}; here ${groups.length} and ${lengths(own)}`,
      );
    if (there?.some((moment) => !ArrayBuffer.isView(moment) && Array.prototype.some.call(moment, (value) => typeof value !== 'number')))
      refuse(`moments of group ${i} hold something else than numbers`);
  });
  if (missed === undefined) return;
  const counts = groups.map((group) => group.missed.counts.length);
  const fits = Array.isArray(missed) && missed.length === groups.length && missed.every((list, i) => list?.length === counts[i]);
  if (!fits) refuse(`missed steps are listed for other parameters; the groups here have ${counts.join(', ')}`);
  for (const list of missed) for (const count of list) checkNumber('loadState', { missed: count }, { from: 0, to: steps, whole: true });
}
