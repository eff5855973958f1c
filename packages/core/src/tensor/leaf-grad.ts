import { currentRecorder, type GradPlace, guard, type HeldGrad, type Recorder } from '../record/recorder.js';

/**
 * Where a leaf's gradient is kept. Whether there is one decides if `backward` stores or adds, so a recording goes by it
 * like by a mode; what it reads there is copied in before every call, since each `backward` outside makes another tensor; and
 * what a recorded call leaves here, its replays leave here too.
 */
export class LeafGrad<T extends HeldGrad> implements GradPlace<T> {
  /** What is there, as recordings see it: nothing is noted. */
  current: T | undefined;
  private home: T | undefined;
  /** The home is a mode of its own. */
  private readonly homeOf = { leaf: this as LeafGrad<T> };

  /** `madeIn`: the recording that made the leaf. What that does to its gradient is its own doing, and ends with the call. */
  constructor(readonly madeIn: Recorder | undefined = undefined) {}

  private static readonly mode = ({ current: kept, home }: LeafGrad<HeldGrad>): unknown => {
    if (!kept || kept === home) return kept && 'home';
    return kept.link ? kept : JSON.stringify(kept.spec);
  };
  private static readonly homeNow = ({ leaf }: LeafGrad<HeldGrad>['homeOf']): unknown => leaf.home;

  /** Its place in an optimiser's flat buffer, where `backward` writes it: it lasts from call to call. */
  get slot(): T | undefined {
    if (this.recording) guard(this.homeOf, LeafGrad.homeNow);
    return this.home;
  }
  set slot(home: T | undefined) {
    this.home = home;
  }

  get value(): T | undefined {
    const { current: kept, home, recording } = this;
    if (!recording) return kept;
    guard<LeafGrad<HeldGrad>>(this, LeafGrad.mode);
    return kept && kept !== home && !kept.link ? recording.readsGrad(this, kept) : kept;
  }
  set value(value: T | undefined) {
    this.change(false);
    this.current = value;
  }

  /** Takes another one, or none, without a recording depending on what was there. One of the leaf's own is disposed of. */
  become(value: T | undefined): void {
    const outside = this.change(true);
    const former = this.current;
    this.current = value;
    if (former !== value && former !== this.home && former !== outside) former?.dispose();
  }

  /** The recording that is to know what is done here, if there is one. */
  private get recording(): Recorder | undefined {
    const now = currentRecorder();
    return now === this.madeIn ? undefined : now;
  }

  /** Returns what was there before the recording. */
  private change(ends: boolean): T | undefined {
    if (!this.recording) return undefined;
    guard(this);
    return this.recording.changesGrad(this, ends);
  }

  /** What a call of a recorded step leaves; `ends` as the step ends the one of the leaf's own that was there. */
  leave(value: T | undefined, ends: boolean): void {
    const former = this.current;
    this.current = value;
    if (ends && former !== this.home && former !== value) former?.dispose();
  }
}
