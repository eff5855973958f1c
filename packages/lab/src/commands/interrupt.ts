/** Milliseconds in which a second signal is the first one once more: GNU `timeout` signals the process and its group. */
const sameSignalMs = 1000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ctrl-C, a scheduler's end of time or a closed terminal in mid-training: the first signal aborts `signal`, so that the loop
 * saves after its step and ends; one that comes a second later or more ends the process at once.
 */
export function onInterrupt(tell: (again: boolean) => void): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  let first = 0;
  const handler = (): void => {
    const now = performance.now();
    if (!controller.signal.aborted) {
      first = now;
      controller.abort();
      tell(false);
    } else if (now - first >= sameSignalMs) {
      tell(true);
      process.exit(130);
    }
  };
  for (const each of signals) process.on(each, handler);
  return {
    signal: controller.signal,
    release: () => {
      for (const each of signals) process.off(each, handler);
    },
  };
}
