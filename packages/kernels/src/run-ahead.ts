import type { Target } from './plan.js';
import { range, unrolled } from './range.js';

/** Of so many turns, the loads on their way at once; a CPU driver's loops stay as they are (undefined), which have no memory to wait for. */
export const loadsAhead = ({ software }: Target, turns: number): number | undefined =>
  software || turns <= 1 ? undefined : Math.min(8, 2 ** Math.ceil(Math.log2(turns)));

/** A loop that takes values in order: `from`, `to` and `step` of its counter, what it loads there, and what becomes of that. */
interface Run {
  readonly counter: string;
  readonly from: string;
  readonly to: string;
  readonly step: string;
  /** The value at a valid place; one that changes nothing where the condition is given and does not hold. */
  readonly load: (at: string, here?: string) => string;
  readonly take: (value: string) => string;
}

/**
 * WGSL of the loop with so many loads on their way at once (1: as it reads). A loop that adds what it has just loaded waits for memory, a
 * thousand cycles of a GPU, at every turn; few invocations that each join many parts do little else. The order is that of the plain loop.
 */
export function runAhead({ counter, from, to, step, load, take }: Run, ahead = 1): string {
  if (ahead === 1)
    return `for (var ${counter} = ${from}; ${counter} < ${to}; ${counter} += ${step}) { let value = ${load(counter)}; ${take('value')} }`;
  const values = range(ahead).map((e) => {
    const at = `${counter} + ${e}u * ${step}`;
    return `let value${e} = ${e === 0 ? load(counter) : load(`min(${at}, ${to} - 1u)`, `${at} < ${to}`)};`;
  });
  return `for (var ${counter} = ${from}; ${counter} < ${to}; ${counter} += ${ahead}u * ${step}) {
    ${values.join('\n    ')}
    ${unrolled(ahead, ' ', (e) => take(`value${e}`))}
  }`;
}
