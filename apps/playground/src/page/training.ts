import type { FromWorker, ToWorker } from '../messages.js';
import { transpile } from '../own-code.js';
import { ownKinds, type Settings, sideNames } from '../settings.js';
import { afterMessage, newRace, noRace, type RaceState } from './race-state.js';
import { Watchdog } from './watchdog.js';

/** The training worker as the page knows it: what it was told, and what became of it, seen once in a frame. */
export class Training {
  state: RaceState = noRace;
  private worker: Worker | undefined;
  private readonly listeners = new Set<() => void>();
  private frame = 0;
  /** The person wants it to run; it rests while the page is hidden. */
  private wanted = false;
  private watchdog: Watchdog | undefined;

  constructor() {
    document.addEventListener('visibilitychange', () => this.tell({ type: 'run', running: this.wanted && !document.hidden }));
  }

  /** Begins anew with these settings, at rest. A person's own code in them has to be one that may run. */
  async build(settings: Settings): Promise<void> {
    this.wanted = false;
    const race = this.state.race + 1;
    this.state = newRace(this.state, race);
    this.changed();
    if (!('gpu' in navigator)) {
      const reason =
        'This browser has no WebGPU. Use a current Chrome or Edge, Safari 26 or Firefox 141, and open the page by https or on localhost.';
      this.receive({ type: 'failed', race: this.state.race, failure: { of: 'device', reason } });
      return;
    }
    const side = sideNames.find((each) => ownKinds(settings[each]).length > 0);
    const transpiled = await transpile(settings);
    // Another one came meanwhile.
    if (race !== this.state.race) return;
    if ('fault' in transpiled) {
      this.receive({ type: 'failed', race, failure: { of: side ?? 'a', ...transpiled.fault } });
      return;
    }
    this.worker ??= this.started();
    this.tell({ type: 'build', race, settings, ownJs: transpiled.js });
    this.watchdog?.end();
    this.watchdog = side && new Watchdog({ ask: () => this.tell({ type: 'ping' }), onHang: () => this.hangs(race) });
  }

  /** Shows no race: the settings have code that may not run yet. */
  clear(): void {
    this.wanted = false;
    this.watchdog?.end();
    this.tell({ type: 'run', running: false });
    this.state = { ...newRace(this.state, this.state.race + 1), doing: '' };
    this.changed();
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

  /** Ends a worker in which the person's code hangs: it passed when it was tried, but did something else in training. */
  private hangs(race: number): void {
    this.end();
    if (race !== this.state.race) return;
    this.state = { ...this.state, doing: '', ready: false, running: false, hung: true };
    this.changed();
  }

  private end(): void {
    this.watchdog?.end();
    this.worker?.terminate();
    this.worker = undefined;
  }

  private started(): Worker {
    const worker = new Worker(new URL('training-worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.receive(data);
    worker.onerror = (event) => {
      this.end();
      const reason = `the training worker failed: ${event.message || 'it could not be loaded'}. Reload the page.`;
      this.receive({ type: 'failed', race: this.state.race, failure: { of: 'device', reason } });
    };
    return worker;
  }

  private tell(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private receive(message: FromWorker): void {
    if (message.type === 'pong') {
      this.watchdog?.answered();
      return;
    }
    if (message.type === 'built') this.watchdog?.built();
    if (message.type === 'failed' && message.race === this.state.race) this.watchdog?.end();
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
