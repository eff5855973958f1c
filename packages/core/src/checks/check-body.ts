import { OpError } from './errors.js';
import { showValue } from './show-value.js';

/** Throws where a function is wanted and there is none: `noGrad()` holds for a body, it switches nothing. */
export function checkBody(name: string, body: unknown): void {
  if (typeof body !== 'function') throw new OpError(name, `takes what to run as a function: ${name}(() => …), got ${showValue(body)}`);
}
