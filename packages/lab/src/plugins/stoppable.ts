const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs code of a user's with these signals left to the system. A handler runs only between two turns of the event loop, so a
 * loop without end under one could be stopped by nothing but a KILL. What a signal ends here loses nothing: checkpoints are on
 * disk. Of an async function it covers the part up to its first `await`.
 */
export function stoppable<T>(body: () => T): T {
  const heard = signals.flatMap((name) => process.listeners(name).map((listener) => ({ name, listener })));
  for (const { name, listener } of heard) process.off(name, listener);
  try {
    return body();
  } finally {
    for (const { name, listener } of heard) process.on(name, listener);
  }
}
