import { MultiBar } from 'cli-progress';
import { type StepProgress, type TrainingPlan, TrainingState } from './training-state.js';

/** What `createProgress` takes. */
export interface ProgressOptions {
  /** Steps of all trainings together, those done before a resume included. */
  readonly totalSteps: number;
  /** Where to show it. Default `process.stderr`, so that `--json` output stays clean. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Milliseconds on a steady clock; tests give their own. */
  readonly clock?: () => number;
}

/** Live display of one or several trainings. */
export interface Progress {
  /** Starts the display of the next training. */
  begin(plan: TrainingPlan): void;
  /** To be called after every step, or every few: it is cheap and redraws ten times a second at most. */
  step(progress: StepProgress): void;
  /** A line that stays, above the moving ones: an epoch's result, a warning. */
  log(line: string): void;
  /** Ends the display and gives the terminal back; to be called on errors and Ctrl-C as well. May be called twice. */
  stop(): void;
}

/** On a terminal moving lines with bars; elsewhere (a file, CI) a plain line now and then. */
export function createProgress(options: ProgressOptions): Progress {
  const { stream = process.stderr, clock = () => performance.now() } = options;
  const state = new TrainingState(options.totalSteps);
  return stream.isTTY ? new BarProgress(state, stream, clock) : new LineProgress(state, stream, clock);
}

const redrawMs = 100;

/** Two lines: the training that runs, and all of them. */
class BarProgress implements Progress {
  private readonly bars: MultiBar;
  private drawn = Number.NEGATIVE_INFINITY;
  private started = false;

  constructor(
    private readonly state: TrainingState,
    private readonly stream: NodeJS.WritableStream,
    private readonly clock: () => number,
  ) {
    this.bars = new MultiBar({
      stream,
      format: (_options, { maxWidth }, payload: { kind: 'one' | 'all' }) => this.line(payload.kind, maxWidth),
      hideCursor: true,
      clearOnComplete: true,
      emptyOnZero: true,
      // Its own handler would keep Ctrl-C from the training loop, which must finish the step and save.
      gracefulExit: false,
    });
  }

  begin(plan: TrainingPlan): void {
    this.state.begin(plan, this.clock());
    if (!this.started) {
      this.bars.create(1, 0, { kind: 'one' });
      this.bars.create(1, 0, { kind: 'all' });
      this.started = true;
    }
    this.draw(true);
  }

  step(progress: StepProgress): void {
    this.state.step(progress, this.clock());
    this.draw(false);
  }

  log(line: string): void {
    if (this.started) {
      this.bars.log(`${line}\n`);
      this.draw(true);
    } else this.stream.write(`${line}\n`);
  }

  stop(): void {
    if (!this.started) return;
    this.draw(true);
    this.bars.stop();
    this.started = false;
  }

  /** By hand, since a training loop that never waits lets no timer run. */
  private draw(now: boolean): void {
    const at = this.clock();
    if (!this.started || (!now && at - this.drawn < redrawMs)) return;
    this.drawn = at;
    this.bars.update();
  }

  private line(kind: 'one' | 'all', width: number | undefined): string {
    const { state } = this;
    const fraction = kind === 'one' ? state.fraction : Math.min(1, state.done / Math.max(1, state.totalSteps));
    const text =
      kind === 'one'
        ? `${state.name}  ${state.describe()}`
        : [`all  ${Math.floor(fraction * 100)} %`, state.describeLeft()].filter(Boolean).join('  ');
    const filled = Math.round(fraction * 24);
    return `${'█'.repeat(filled)}${'░'.repeat(24 - filled)}  ${text}`.slice(0, Math.max(20, (width ?? 80) - 1));
  }
}

/** Plain lines: one at the first step of a training, then at intervals that grow with the time gone. */
class LineProgress implements Progress {
  private readonly startedAt: number;
  private shown = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly state: TrainingState,
    private readonly stream: NodeJS.WritableStream,
    private readonly clock: () => number,
  ) {
    this.startedAt = clock();
  }

  begin(plan: TrainingPlan): void {
    this.state.begin(plan, this.clock());
    this.shown = Number.NEGATIVE_INFINITY;
  }

  step(progress: StepProgress): void {
    const now = this.clock();
    this.state.step(progress, now);
    const gone = now - this.startedAt;
    const interval = gone < 120_000 ? 10_000 : gone < 1_200_000 ? 30_000 : 120_000;
    if (now - this.shown < interval) return;
    this.shown = now;
    this.stream.write(`${[this.state.name, this.state.describe(), this.state.describeLeft()].filter(Boolean).join('  ')}\n`);
  }

  log(line: string): void {
    this.stream.write(`${line}\n`);
  }

  stop(): void {}
}
