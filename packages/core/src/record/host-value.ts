import { aboutToMove, type MovingState } from './host-untouched.js';
import { currentRecorder, guard, madeInside } from './recorder.js';

/**
 * A number of the host that changes from step to step: a learning rate, a counter. What a compiled function does to it while
 * it is recorded is done again at every call, in its place among the step's other uses; the recording itself leaves it as it
 * was. One that the function reads makes the recording serve that number only.
 */
export class HostValue implements MovingState {
  private current: number;
  /** What it was before the recording that is changing it. */
  private before: number | undefined;
  private static readonly outside = (value: HostValue): number => value.before ?? value.current;

  constructor(start: number) {
    this.current = start;
    madeInside(this, () => {
      this.current = start;
    });
  }

  get value(): number {
    guard<HostValue>(this, HostValue.outside);
    return this.current;
  }
  set value(next: number) {
    // What the function reads later is its own doing.
    guard(this);
    this.change(() => next);
  }

  /** Goes from its value to another one, whatever it is: `change((steps) => steps + 1)`. */
  change(next: (value: number) => number): void {
    aboutToMove(this);
    const recorder = currentRecorder();
    if (recorder) {
      if (this.before === undefined) {
        const before = this.current;
        this.before = before;
        recorder.afterRecording(() => {
          this.current = before;
          this.before = undefined;
        });
      }
      recorder.beforeReplay(() => {
        aboutToMove(this);
        this.current = next(this.current);
      });
    }
    this.current = next(this.current);
  }

  mark(): () => void {
    const at = this.current;
    return () => {
      this.current = at;
    };
  }
}
