/** Ctrl-C in mid-training: the first aborts `signal`, so that the loop ends after its step; the second ends the process. */
export function onInterrupt(tell: (again: boolean) => void): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const handler = (): void => {
    const again = controller.signal.aborted;
    tell(again);
    if (again) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handler);
      process.off('SIGTERM', handler);
    },
  };
}
