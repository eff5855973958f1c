import type { Progress } from '@initlab/lab';

/** A display of nothing; `onStep` is called where steps would be shown. */
export const silentProgress = (onStep: () => void = () => undefined): Progress => ({
  begin: () => ({ step: onStep, [Symbol.dispose]: () => undefined }),
  tally: () => undefined,
  log: () => undefined,
  warn: () => undefined,
  stop: () => undefined,
});
