import { currentRecorder, guard } from '@initlab/core/internal';

/** Parameters from index `from` up to `to` of a group. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** What each parameter missed: how many steps, and the same history where they are the same steps. */
interface Missed {
  readonly counts: readonly number[];
  readonly histories: readonly number[];
}
const none = (parameters: number): Missed => startingFrom(new Array<number>(parameters).fill(0));
const startingFrom = (counts: readonly number[]): Missed => ({ counts, histories: counts });

/** After a step in which parameters had a part or not. */
function after({ counts, histories }: Missed, has: readonly boolean[]): Missed {
  let last = Math.max(0, ...histories);
  const next = new Map<number, number>();
  for (const [i, history] of histories.entries()) if (!has[i] && !next.has(history)) next.set(history, ++last);
  return {
    counts: counts.map((steps, i) => (has[i] ? steps : steps + 1)),
    histories: histories.map((history, i) => (has[i] ? history : (next.get(history) as number))),
  };
}

/** A division into runs that a recorded step took as it was. */
interface Division {
  readonly has: readonly boolean[];
  /** What was missed within the recording before this division. */
  readonly ahead: Missed | undefined;
  known: { readonly of: Missed; readonly key: string } | undefined;
}

/** Steps that each parameter of a group had no part in: Adam's bias corrections count what a parameter was updated. */
export class MissedSteps {
  private missed: Missed;
  /** What they were before the recording that is changing them, and what it changed. */
  private recorded: { readonly before: Missed; ahead: Missed } | undefined;

  /** `before`: steps that were made when the parameters came. */
  constructor(parameters: number, before = 0) {
    this.missed = startingFrom(new Array<number>(parameters).fill(before));
  }

  /** By the parameter's index. */
  get counts(): readonly number[] {
    return this.missed.counts;
  }

  set(counts: readonly number[]): void {
    this.missed = startingFrom(this.counts.map((_, i) => counts[i] ?? 0));
  }

  /** A step in which parameters had a part or not. */
  skip(has: readonly boolean[]): void {
    if (!has.includes(false)) return;
    const skipped = (): void => {
      this.missed = after(this.missed, has);
    };
    const recorder = currentRecorder();
    if (recorder) {
      const before = this.missed;
      if (!this.recorded) {
        this.recorded = { before, ahead: none(has.length) };
        recorder.afterRecording(() => {
          this.missed = before;
          this.recorded = undefined;
        });
      }
      this.recorded.ahead = after(this.recorded.ahead, has);
      recorder.beforeReplay(skipped);
    }
    skipped();
  }

  /**
   * Neighbours with a gradient that had the same updates: one dispatch each. All in one, as a rule. A recorded step serves as
   * long as they divide in this way.
   */
  runs(has: readonly boolean[]): Run[] {
    guard<Division>({ has, ahead: this.recorded?.ahead, known: undefined }, (division) => this.keyOf(division));
    return runsOf(has, this.missed.histories);
  }

  private keyOf(division: Division): string {
    const of = this.recorded?.before ?? this.missed;
    if (division.known?.of !== of) {
      const { has, ahead } = division;
      const runs = runsOf(has, of.histories, ahead?.histories);
      division.known = { of, key: runs.map(({ from, to }) => `${from}-${to}`).join() };
    }
    return division.known.key;
  }
}

/** By the parameters' histories, and what they became `ahead`. */
function runsOf(has: readonly boolean[], histories: readonly number[], ahead: readonly number[] = []): Run[] {
  const runs: { from: number; to: number }[] = [];
  for (const [i, wanted] of has.entries()) {
    if (!wanted) continue;
    const last = runs.at(-1);
    if (last?.to === i && histories[i] === histories[last.from] && ahead[i] === ahead[last.from]) last.to = i + 1;
    else runs.push({ from: i, to: i + 1 });
  }
  return runs;
}
