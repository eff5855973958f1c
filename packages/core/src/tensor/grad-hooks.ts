import { guard } from '../record/recorder.js';

/** Functions that look at a tensor's gradient during backward, or change it. */
export class GradHooks<T> {
  /** Replaced where it changes, so that a recording sees that. */
  private list: readonly ((grad: T) => T | undefined)[] = [];
  private static readonly listOf = (hooks: GradHooks<unknown>): unknown => hooks.list;

  /** Returns what takes it away again. */
  add(hook: (grad: T) => T | undefined): () => void {
    const added = (grad: T): T | undefined => hook(grad);
    this.list = [...this.list, added];
    return () => {
      this.list = this.list.filter((known) => known !== added);
    };
  }

  /** What they make of a gradient, one after another. */
  apply(gradient: T): T {
    return this.list.reduce((grad, hook) => hook(grad) ?? grad, gradient);
  }

  /** The same for a leaf, which outlives a recording: that serves these hooks only. */
  applyToLeaf(gradient: T): T {
    guard<GradHooks<T>>(this, GradHooks.listOf as (hooks: GradHooks<T>) => unknown);
    return this.apply(gradient);
  }
}
