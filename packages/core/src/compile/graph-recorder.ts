import type { Device } from '../gpu/device.js';
import type { HostState, ModeReader } from '../guard.js';
import type { GraphNode, HostSlot, Recorder } from '../recorder.js';
import type { Storage } from '../storage.js';
import { HostSlots } from './host-slots.js';

/** A mode of the host that a recorded step took as it was: see `guard`. */
interface Guard {
  readonly owner: object;
  readonly read: ModeReader;
  readonly value: unknown;
}

/** Records ops in order. Real storages it meets (parameters, state, constants) are kept alive until `release`. */
export class GraphRecorder implements Recorder {
  readonly nodes: GraphNode[] = [];
  private readonly replayHooks: (() => void)[] = [];
  private readonly hostSlots = new HostSlots();
  private readonly endHooks: (() => void)[] = [];
  private readonly externals = new Set<Storage>();
  private readonly guardOf = new Map<object, Guard | undefined>();
  private guards: readonly Guard[] = [];
  private readonly left = new Set<HostState>();

  add(node: GraphNode): void {
    this.nodes.push(node);
    for (const value of node.inputs) if (value) this.hold(value.storage);
  }

  beforeReplay(hook: () => void): void {
    this.replayHooks.push(hook);
  }

  hostSlot(device: Device, bytes: number, label: string): HostSlot {
    return this.hostSlots.take(device, bytes, label);
  }

  /** What the host does before every replay, in the order of recording. */
  prepareReplay(): void {
    for (const hook of this.replayHooks) hook();
    this.hostSlots.upload();
  }

  afterRecording(hook: () => void): void {
    this.endHooks.push(hook);
  }

  leavesBehind(state: HostState): void {
    this.left.add(state);
  }

  guard(owner: object, read: ModeReader | undefined): void {
    if (!this.guardOf.has(owner)) this.guardOf.set(owner, read && { owner, read, value: read(owner) });
  }

  /** Is every mode that the host code read while recording still what it was? */
  get holds(): boolean {
    return this.guards.every(({ owner, read, value }) => Object.is(read(owner), value));
  }

  /** Keep a real storage alive as long as the graph. */
  hold(storage: Storage): void {
    if (!storage.virtual && !this.externals.has(storage)) this.externals.add(storage.retain());
  }

  finish(): void {
    for (const hook of this.endHooks.reverse()) hook();
    const restorers = [...this.left].map((state) => state.restorer());
    this.left.clear();
    if (restorers.length > 0)
      this.beforeReplay(() => {
        for (const restore of restorers) restore();
      });
    this.guards = [...this.guardOf.values()].filter((g) => g !== undefined);
    this.guardOf.clear();
  }

  release(): void {
    for (const storage of this.externals) storage.release();
    this.externals.clear();
    this.hostSlots.release();
  }
}
