import type { GraphNode, Recorder } from '../recorder.js';
import type { Storage } from '../storage.js';

/** Records ops in order. Real storages it meets (parameters, state, constants) are kept alive until `release`. */
export class GraphRecorder implements Recorder {
  readonly nodes: GraphNode[] = [];
  readonly replayHooks: (() => void)[] = [];
  private readonly endHooks: (() => void)[] = [];
  private readonly externals = new Set<Storage>();

  add(node: GraphNode): void {
    this.nodes.push(node);
    for (const value of node.inputs) if (value) this.hold(value.storage);
  }

  beforeReplay(hook: () => void): void {
    this.replayHooks.push(hook);
  }

  afterRecording(hook: () => void): void {
    this.endHooks.push(hook);
  }

  /** Keep a real storage alive as long as the graph. */
  hold(storage: Storage): void {
    if (!storage.virtual && !this.externals.has(storage)) this.externals.add(storage.retain());
  }

  finish(): void {
    for (const hook of this.endHooks.reverse()) hook();
  }

  release(): void {
    for (const storage of this.externals) storage.release();
    this.externals.clear();
  }
}
