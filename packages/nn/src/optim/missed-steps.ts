import { currentRecorder, guard } from '@initlab/core';

/** Parameters from index `from` up to `to` of a group. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** A division into runs that a recorded step took as it was. */
interface Division {
  readonly has: readonly boolean[];
  /** Steps missed within the recording before this division. */
  readonly ahead: readonly number[] | undefined;
  known: { readonly of: readonly number[]; readonly key: string } | undefined;
}

/** Steps that each parameter of a group had no part in: Adam's bias corrections count what a parameter was updated. */
export class MissedSteps {
  private missed: readonly number[];
  /** What they were before the recording that is changing them. */
  private before: readonly number[] | undefined;

  /** `before`: steps that were made when the parameters came. */
  constructor(parameters: number, before = 0) {
    this.missed = new Array<number>(parameters).fill(before);
  }

  /** By the parameter's index. */
  get counts(): readonly number[] {
    return this.missed;
  }

  set(counts: readonly number[]): void {
    this.missed = this.missed.map((_, i) => counts[i] ?? 0);
  }

  /** A step in which parameters had a part or not. */
  skip(has: readonly boolean[]): void {
    if (!has.includes(false)) return;
    const skipped = (): void => {
      this.missed = this.missed.map((steps, i) => (has[i] ? steps : steps + 1));
    };
    const recorder = currentRecorder();
    if (recorder) {
      if (!this.before) {
        const before = this.missed;
        this.before = before;
        recorder.afterRecording(() => {
          this.missed = before;
          this.before = undefined;
        });
      }
      recorder.beforeReplay(skipped);
    }
    skipped();
  }

  /**
   * Neighbours with a gradient that had as many updates: one dispatch each. All in one, as a rule. A recorded step serves as
   * long as they divide in this way.
   */
  runs(has: readonly boolean[]): Run[] {
    const { before, missed } = this;
    const ahead = before && missed.map((steps, i) => steps - (before[i] as number));
    guard<Division>({ has, ahead, known: undefined }, (division) => this.keyOf(division));
    return runsOf(has, missed);
  }

  private keyOf(division: Division): string {
    const of = this.before ?? this.missed;
    if (division.known?.of !== of) {
      const { has, ahead } = division;
      const runs = runsOf(has, ahead ? of.map((steps, i) => steps + (ahead[i] as number)) : of);
      division.known = { of, key: runs.map(({ from, to }) => `${from}-${to}`).join() };
    }
    return division.known.key;
  }
}

function runsOf(has: readonly boolean[], missed: readonly number[]): Run[] {
  const runs: { from: number; to: number }[] = [];
  for (const [i, wanted] of has.entries()) {
    if (!wanted) continue;
    const last = runs.at(-1);
    if (last?.to === i && missed[i] === missed[last.from]) last.to = i + 1;
    else runs.push({ from: i, to: i + 1 });
  }
  return runs;
}
