import { DeviceError, type InitlabError, OutOfMemoryError } from '../checks/errors.js';

/** Milliseconds after which an error that nothing waited for is written to the console. */
const patience = 2000;
/** Faults remembered; what waits longer than so many are reported hears of the latest. */
const remembered = 64;

interface Fault {
  readonly id: number;
  /** The submission that the driver refused; 0 where it cannot be told. */
  readonly submission: number;
  /** Made anew for each that is told, so that its stack says who. */
  readonly error: () => InitlabError;
  told: boolean;
  said: boolean;
}

/** What a call of the driver gave, and what it reported of it. */
interface Heard<T> {
  readonly made: T;
  readonly refused: GPUError | undefined;
}

/**
 * Errors that the driver reports apart from the call that caused them. Every read or `sync` under way when one is reported
 * throws it, else the next one does; after that the device goes on.
 *
 * Dawn in Node reports what a call did wrong before the call returns (`heardIn`), a browser some tasks later.
 */
export class Faults {
  private readonly list: Fault[] = [];
  private count = 0;
  private waits = 0;
  private listening = false;
  private heard: GPUError | undefined;
  /** In a browser: resolved when all errors of work submitted so far have come. */
  private sorted: Promise<void> = Promise.resolve();

  constructor(
    private readonly gpu: GPUDevice,
    private readonly label: string,
    /** Errors are reported before the call that caused them returns. */
    private readonly atOnce: boolean,
  ) {
    if (!atOnce) gpu.pushErrorScope('validation');
  }

  /** Errors up to here belong to `submission`; those from here on to the next. */
  submitted(submission: number): void {
    if (this.atOnce) return;
    const former = this.sorted;
    const own = this.gpu.popErrorScope().then(
      (error) => error && this.report(error, submission),
      () => undefined,
    );
    this.gpu.pushErrorScope('validation');
    this.sorted = own.then(() => former);
  }

  /** What the driver's `uncapturederror` event is given to. */
  uncaptured(event: GPUUncapturedErrorEvent): void {
    // It is told here; Dawn would print it on top of that.
    event.preventDefault();
    if (this.listening) this.heard ??= event.error;
    else this.report(event.error);
  }

  /** Runs a call of the driver; returns what it gave, and the error it reported meanwhile, of several the first: the cause. */
  heardIn<T>(call: () => T): Heard<T> {
    const [listening, former] = [this.listening, this.heard];
    this.listening = true;
    this.heard = undefined;
    try {
      const made = call();
      return { made, refused: this.heard };
    } finally {
      this.listening = listening;
      this.heard = former;
    }
  }

  /** As `heardIn` for a call that may well be refused: where the error comes later, `later` is given it. */
  heardOf<T>(call: () => T, filter: GPUErrorFilter, later: (error: GPUError, made: T | undefined) => void): Heard<T> {
    if (this.atOnce) return this.heardIn(call);
    this.gpu.pushErrorScope(filter);
    let made: T | undefined;
    try {
      made = call();
      return { made, refused: undefined };
    } finally {
      void this.gpu.popErrorScope().then(
        (error) => error && later(error, made),
        () => undefined,
      );
    }
  }

  report(error: GPUError | (() => InitlabError), submission = 0): void {
    const make = typeof error === 'function' ? error : () => asError(error);
    this.list.push({ id: ++this.count, submission, error: make, told: false, said: false });
    if (this.list.length > remembered) this.list.shift();
    const timer: unknown = setTimeout(() => this.warn(), patience);
    // In Node: no reason to keep the process.
    if (typeof timer === 'object') (timer as { unref?: () => void }).unref?.();
  }

  /**
   * Waits for a promise of the driver. Throws the first fault of work up to `submission` that was not told before the wait began.
   */
  async during<T>(promise: Promise<T>, submission: number): Promise<T> {
    const known = this.count;
    const surface = (): void => {
      const mine = this.list.filter((f) => (f.id > known || !f.told) && f.submission <= submission);
      for (const fault of mine) fault.told = true;
      if (mine[0]) throw mine[0].error();
    };
    this.submitted(submission);
    const { sorted } = this;
    this.waits++;
    try {
      const value = await promise;
      await sorted;
      surface();
      return value;
    } catch (error) {
      await sorted;
      surface();
      throw error;
    } finally {
      this.waits--;
    }
  }

  /** Writes to the console what nothing has waited for, `now` or as long as nothing waits. */
  warn({ now = false } = {}): void {
    if (this.waits > 0 && !now) return;
    const untold = this.list.filter((f) => !f.told && !f.said);
    for (const fault of untold) fault.said = true;
    if (untold[0]) console.warn(`initlab: an error on ${this.label} that no read() or sync() has waited for: ${untold[0].error().message}`);
  }
}

/** The driver's error as ours. */
function asError(error: GPUError): InitlabError {
  const isMemory = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError;
  return isMemory
    ? new OutOfMemoryError(`out of GPU memory: ${error.message}`)
    : new DeviceError(`the GPU driver reported: ${error.message}`);
}
