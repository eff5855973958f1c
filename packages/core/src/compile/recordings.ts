import type { Arena } from './compiled-graph.js';
import type { StepRecording } from './make-recording.js';

/**
 * The recordings of a compiled function, `most` of them: each holds memory for its inputs, its results and its tables. One too
 * many takes the place of the one that was called longest ago.
 */
export class Recordings {
  /** In order of the latest call. */
  private readonly list = new Set<StepRecording>();
  private warned = false;
  private warnedOfKeeping = false;

  constructor(
    private readonly most: number,
    private readonly arena: () => Arena | undefined,
  ) {}

  /** One of inputs of these shapes, recorded in modes that still hold. */
  find(key: string): StepRecording | undefined {
    for (const recording of this.list) {
      if (recording.key !== key) continue;
      if (recording.recorder.holds) {
        this.list.delete(recording);
        this.list.add(recording);
        return recording;
      }
      if (recording.recorder.spent) this.drop(recording);
    }
    return undefined;
  }

  add(recording: StepRecording): void {
    this.list.add(recording);
    const [oldest] = this.list;
    if (this.list.size <= this.most || !oldest) return;
    this.drop(oldest);
    if (this.warned) return;
    this.warned = true;
    console.warn(
      `initlab: a compiled function met more than ${this.most} shapes of inputs, modes of its layers or numbers of the host that it reads, ` +
        'and records again those it has not seen for longest, which takes long. Pad inputs to few shapes, draw random numbers by rand ' +
        'and randn, pass others as inputs, or give compile a larger maxRecordings. This is said once.',
    );
  }

  /** Give its memory back. What it has returned stays as it is. */
  drop(recording: StepRecording): void {
    if (!this.list.delete(recording)) return;
    recording.graph.release();
    recording.recorder.release();
    this.arena()?.keep([...this.list].flatMap(({ graph }) => graph.buffers));
  }

  /** Said once for a function that cannot be replayed. */
  noteKeeping(): void {
    if (this.warnedOfKeeping) return;
    this.warnedOfKeeping = true;
    console.warn(
      'initlab: a compiled function keeps (`keep`) what an op makes at every call, so it is recorded at every call, which takes long. Make a ' +
        'tensor outside and write to it by copyInto. This is said once.',
    );
  }

  clear(): void {
    for (const recording of this.list) this.drop(recording);
  }
}
