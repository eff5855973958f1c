/** How long a worker that runs a person's code may be silent, and how long it may take for both nets' weights, in milliseconds. */
const patience = { answer: 10_000, build: 60_000 };
const interval = 2000;

export interface WatchdogParts {
  /** Asks the worker for an answer, which it gives between two pieces of work. */
  readonly ask: () => void;
  readonly onHang: () => void;
}

/** Watches a worker that runs a person's code: an endless loop leaves it silent, a promise that nobody keeps leaves its nets unmade. */
export class Watchdog {
  private readonly asking: ReturnType<typeof setInterval>;
  private readonly building: ReturnType<typeof setTimeout>;
  private silent: ReturnType<typeof setTimeout> | undefined;

  constructor({ ask, onHang }: WatchdogParts) {
    this.building = setTimeout(onHang, patience.build);
    this.asking = setInterval(() => {
      // A hidden page's timers are late, and its worker rests.
      if (document.hidden) return;
      this.silent ??= setTimeout(onHang, patience.answer);
      ask();
    }, interval);
  }

  answered(): void {
    clearTimeout(this.silent);
    this.silent = undefined;
  }

  /** Both nets have their weights. */
  built(): void {
    clearTimeout(this.building);
  }

  end(): void {
    this.built();
    this.answered();
    clearInterval(this.asking);
  }
}
