import { MultiBar } from 'cli-progress';
import { fitLine } from './fit-line.js';
import { ProgressState } from './progress-state.js';
import type { StepProgress, TrainingPlan, TrainingProgress } from './training-progress.js';

/** Where a progress display writes. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** What `createProgress` takes. */
export interface ProgressOptions {
  /** Steps of all trainings together, those done before a resume included. */
  readonly totalSteps: number;
  /** Nothing but warnings. Default false. */
  readonly quiet?: boolean;
  /** Where to show it. Default `process.stderr`, so that `--json` output stays clean. */
  readonly stream?: ProgressStream;
  /** Milliseconds on a steady clock; tests give their own. */
  readonly clock?: () => number;
}

/** A training on display, until it is disposed of. */
export interface ShownTraining extends Disposable {
  /** To be called after every step, or every few: it is cheap and redraws ten times a second at most. */
  step(progress: StepProgress): void;
}

/** How far all trainings together are. */
export interface Tally {
  /** `3 of 12 cells`, `7 of 24 runs`; the last is kept longest where there is little room. */
  readonly counts: readonly string[];
  /** Steps of the trainings that are not at their end, those they made already included. */
  readonly openSteps: number;
}

/** Live display of one or several trainings, also side by side. */
export interface Progress {
  begin(plan: TrainingPlan): ShownTraining;
  /** Where there are several trainings: what has come to its end, and what has not. */
  tally(tally: Tally): void;
  /** A line that stays, above the moving ones: an epoch's result. */
  log(line: string): void;
  /** Such a line that is said in quiet mode too. */
  warn(line: string): void;
  /** Ends the display and gives the terminal back; to be called on errors and Ctrl-C as well. May be called twice. */
  stop(): void;
}

/** On a terminal moving lines with bars; elsewhere (a file, CI) a plain line now and then. */
export function createProgress({ totalSteps, quiet, stream = process.stderr, clock = () => performance.now() }: ProgressOptions): Progress {
  const state = new ProgressState(totalSteps);
  if (quiet) return new Quiet(stream);
  return stream.isTTY ? new MovingLines(state, stream, clock) : new PlainLines(state, stream, clock);
}

const redrawMs = 100;
/** Clears from the cursor to the end of the screen: what is written next may take more lines than there were. */
const clearDown = '\u001b[J';

/** A line for each training that runs, and where there are several one for all of them. */
class MovingLines implements Progress {
  private readonly bars: MultiBar;
  private lines: string[] = [];
  private slots = 0;
  private drawn = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly state: ProgressState,
    private readonly stream: ProgressStream,
    private readonly clock: () => number,
  ) {
    this.bars = new MultiBar({
      stream,
      format: (_options, _parameters, { slot }: { slot: number }) => this.lines[slot] ?? '',
      hideCursor: true,
      clearOnComplete: true,
      // With wrapping off the terminal would cut off the end of what is logged.
      linewrap: true,
      forceRedraw: true,
      // Its own handler would keep Ctrl-C from the training loop, which must finish the step and save.
      gracefulExit: false,
    });
  }

  begin(plan: TrainingPlan): ShownTraining {
    const training = this.state.begin(plan, this.clock());
    this.draw({ now: true });
    return {
      step: (progress) => {
        this.state.step(training, progress, this.clock());
        this.draw({ now: false });
      },
      [Symbol.dispose]: () => void this.state.running.delete(training),
    };
  }

  tally(tally: Tally): void {
    this.state.settle(tally);
  }

  log(line: string): void {
    if (this.slots > 0) {
      this.bars.log(`${clearDown}${line}\n`);
      this.draw({ now: true });
    } else this.stream.write(`${line}\n`);
  }

  warn(line: string): void {
    this.log(line);
  }

  stop(): void {
    if (this.slots === 0) return;
    this.draw({ now: true });
    this.bars.stop();
    this.slots = 0;
  }

  /** By hand, since a training loop that never waits lets no timer run. */
  private draw({ now }: { now: boolean }): void {
    const at = this.clock();
    if (!now && at - this.drawn < redrawMs) return;
    this.drawn = at;
    const { running, counts } = this.state;
    // The last column stays free: a terminal may wrap once it is written to.
    const columns = Math.max(20, (this.stream.columns || 80) - 1);
    const shown = [...running].slice(0, Math.max(1, (this.stream.rows || 24) - 3));
    this.lines = shown.map((training) => this.trainingLine(training, columns));
    if (counts.length > 0) this.lines.push(this.tallyLine(columns));
    for (; this.slots < this.lines.length; this.slots++) this.bars.create(1, 0, { slot: this.slots });
    this.bars.update();
  }

  private trainingLine(training: TrainingProgress, columns: number): string {
    const { epoch, step, loss, speed } = training.describe();
    const parts = [
      { text: training.name, worth: 4, shrinks: true },
      { text: epoch, worth: 5 },
      { text: step, worth: 1 },
      { text: loss, worth: 2.5 },
      { text: speed, worth: 2 },
      // Of a training on its own; where there are several the last line says it.
      { text: this.state.counts.length > 0 ? '' : this.state.describeLeft(), worth: 3 },
    ];
    return fitLine(parts, { fraction: training.fraction, columns });
  }

  private tallyLine(columns: number): string {
    const { counts, fraction } = this.state;
    const parts = [
      ...counts.map((text, i) => ({ text, worth: 3 + i / counts.length })),
      { text: `${Math.floor(fraction * 100)} %`, worth: 4 },
      { text: this.state.describeLeft(), worth: 5 },
    ];
    return fitLine(parts, { fraction, columns });
  }
}

/** Plain lines: one at the first step of a training, then at intervals that grow with the time gone. */
class PlainLines implements Progress {
  private readonly startedAt: number;
  private shown = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly state: ProgressState,
    private readonly stream: ProgressStream,
    private readonly clock: () => number,
  ) {
    this.startedAt = clock();
  }

  begin(plan: TrainingPlan): ShownTraining {
    const training = this.state.begin(plan, this.clock());
    this.shown = Number.NEGATIVE_INFINITY;
    return { step: (progress) => this.step(training, progress), [Symbol.dispose]: () => void this.state.running.delete(training) };
  }

  private step(training: TrainingProgress, progress: StepProgress): void {
    const now = this.clock();
    this.state.step(training, progress, now);
    const gone = now - this.startedAt;
    const interval = gone < 120_000 ? 10_000 : gone < 1_200_000 ? 30_000 : 120_000;
    if (now - this.shown < interval) return;
    this.shown = now;
    const parts = [training.name, ...Object.values(training.describe()), ...this.state.counts, this.state.describeLeft()];
    this.stream.write(`${parts.filter(Boolean).join('  ')}\n`);
  }

  tally(tally: Tally): void {
    this.state.settle(tally);
  }

  log(line: string): void {
    this.stream.write(`${line}\n`);
  }

  warn(line: string): void {
    this.log(line);
  }

  stop(): void {}
}

/** Only what went wrong. */
class Quiet implements Progress {
  constructor(private readonly stream: ProgressStream) {}

  begin(): ShownTraining {
    return { step: () => undefined, [Symbol.dispose]: () => undefined };
  }
  tally(): void {}
  log(): void {}
  warn(line: string): void {
    this.stream.write(`${line}\n`);
  }
  stop(): void {}
}
