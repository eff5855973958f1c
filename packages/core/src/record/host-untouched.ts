import { checkBody } from '../checks/check-arguments.js';
import { OpError } from '../checks/errors.js';
import { currentRecorder } from './recorder.js';

/** State of the host that a use of it moves on: a counter, a generator. */
export interface MovingState {
  /** Answers how to put it back to what it is now. */
  mark(): () => void;
}

let watching: ((state: MovingState) => void) | undefined;

/** To be called before a use of `state` moves it on. */
export const aboutToMove = (state: MovingState): void => watching?.(state);

/** Now, and before every replay where a step is being recorded. */
function nowAndAlways(hook: () => void): void {
  currentRecorder()?.beforeReplay(hook);
  hook();
}

/**
 * Run `body`, which must not be async, and then put back what it counted on the host: `HostValue`s (uses of a dropout layer, batches
 * that a norm has seen) and generators that tensors were drawn from. In a compiled function that is done at every call: the rest of
 * the function, and what comes after the call, draw and count as if `body` had not been there.
 */
export function hostUntouched<T>(body: () => T): T {
  checkBody('hostUntouched', body);
  const former = watching;
  const restorers = new Map<MovingState, () => void>();
  watching = (state) => {
    if (restorers.has(state)) return;
    let restore = (): void => undefined;
    nowAndAlways(() => {
      restore = state.mark();
    });
    restorers.set(state, () => restore());
  };
  let result: T;
  try {
    result = body();
  } finally {
    watching = former;
    for (const restore of restorers.values()) nowAndAlways(restore);
  }
  if (result instanceof Promise)
    throw new OpError('hostUntouched', 'the body is async, and what it does later is not put back; read what it makes outside');
  return result;
}
