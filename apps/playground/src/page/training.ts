import type { FromWorker, ToWorker } from '../messages.js';
import type { Settings } from '../settings.js';
import { afterMessage, newRace, noRace, type RaceState } from './race-state.js';

/** The training worker as the page knows it: what it was told, and what became of it, seen once in a frame. */
export class Training {
  state: RaceState = noRace;
  private worker: Worker | undefined;
  private readonly listeners = new Set<() => void>();
  private frame = 0;
  /** The person wants it to run; it rests while the page is hidden. */
  private wanted = false;

  constructor() {
    document.addEventListener('visibilitychange', () => this.tell({ type: 'run', running: this.wanted && !document.hidden }));
  }

  /** Begins anew with these settings, at rest. */
  build(settings: Settings): void {
    this.wanted = false;
    this.state = newRace(this.state, this.state.race + 1);
    this.changed();
    if (!('gpu' in navigator)) {
      const reason =
        'This browser has no WebGPU. Use a current Chrome or Edge, Safari 26 or Firefox 141, and open the page by https or on localhost.';
      this.receive({ type: 'failed', race: this.state.race, failure: { of: 'device', reason } });
      return;
    }
    this.worker ??= this.started();
    this.tell({ type: 'build', race: this.state.race, settings });
  }

  run(running: boolean): void {
    this.wanted = running;
    this.tell({ type: 'run', running: running && !document.hidden });
    this.state = { ...this.state, running };
    this.changed();
  }

  step(): void {
    this.tell({ type: 'step' });
  }

  /** Calls `listener` at most once in a frame, when something changed; answers how to end that. */
  watch(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private started(): Worker {
    const worker = new Worker(new URL('training-worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.receive(data);
    worker.onerror = (event) => {
      worker.terminate();
      this.worker = undefined;
      const reason = `the training worker failed: ${event.message || 'it could not be loaded'}. Reload the page.`;
      this.receive({ type: 'failed', race: this.state.race, failure: { of: 'device', reason } });
    };
    return worker;
  }

  private tell(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private receive(message: FromWorker): void {
    this.state = afterMessage(this.state, message);
    if (message.type === 'failed') this.wanted = false;
    const { a, b } = this.state.sides;
    // Nothing more is learned from two nets that are lost.
    if (this.state.running && a.diverged !== undefined && b.diverged !== undefined) this.run(false);
    this.changed();
  }

  private changed(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      for (const listener of this.listeners) listener();
    });
  }
}
