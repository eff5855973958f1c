/** What a task was told while it ran. */
export interface TaskSignals {
  /** Aborted by the first signal: save after this step, and end. */
  readonly signal: AbortSignal;
  /** Whether to queue anew: the time is nearly over, and nobody ended the task. */
  readonly wantsRequeue: () => boolean;
  readonly release: () => void;
}

const soonOver = ['SIGUSR1', 'SIGUSR2'] as const;
const ended = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Signals of a scheduler. None of them ends the process, however often it comes: a step may be under way, and what comes after
 * the grace cannot be caught. After a TERM (`scancel`, preemption) the task is not its own to queue anew.
 */
export function onTaskSignals(tell: (name: NodeJS.Signals) => void): TaskSignals {
  const controller = new AbortController();
  let over = false;
  const hear = (name: NodeJS.Signals): void => {
    if ((ended as readonly string[]).includes(name)) over = true;
    if (!controller.signal.aborted) tell(name);
    controller.abort();
  };
  for (const name of [...soonOver, ...ended]) process.on(name, hear);
  return {
    signal: controller.signal,
    wantsRequeue: () => controller.signal.aborted && !over,
    release: () => {
      for (const name of [...soonOver, ...ended]) process.off(name, hear);
    },
  };
}
