import { getOrMake } from '../get-or-make.js';
import type { GradPlace, HeldGrad } from '../record/recorder.js';
import { Tensor } from '../tensor/tensor.js';

/** A gradient that was there before the recording: each call reads the one that is there then. */
export interface ReadGrad {
  readonly leaf: GradPlace<Tensor>;
  readonly placeholder: Tensor;
}

/** What a recorded function leaves in a leaf. */
export interface LeftGrad {
  readonly leaf: GradPlace<Tensor>;
  readonly value: Tensor | undefined;
  /** The one of the leaf's own that was there is disposed of. */
  readonly ends: boolean;
}

interface Touched {
  readonly before: Tensor | undefined;
  placeholder: Tensor | undefined;
  changed: boolean;
  ends: boolean;
}

/**
 * What a function does with the gradients of leaves while it is recorded. Leaves are of tensors, which `GradPlace` cannot say, being what
 * Tensor is made with: what goes in as a gradient of a leaf comes out as one, hence the casts here.
 */
export class LeafGrads {
  private readonly touched = new Map<GradPlace<Tensor>, Touched>();

  /** What stands for the gradient `kept`, which host code reads: a placeholder where it is from outside. */
  read<T extends HeldGrad>(of: GradPlace<T>, kept: T): T {
    const [leaf, grad] = [of, kept] as unknown as [GradPlace<Tensor>, Tensor];
    const touched = this.touch(leaf);
    if (grad !== touched.before || grad.disposed) return kept;
    // No scope's: the function may read it in one and again after it.
    if (!touched.placeholder) {
      touched.placeholder = Tensor.allocate(grad.device, grad.spec, 'gradient read by a compiled step');
      touched.placeholder.storage.dropQuietly();
    }
    return touched.placeholder as unknown as T;
  }

  /** Host code gives the leaf another gradient; returns the one that it held before the recording. */
  change<T extends HeldGrad>(of: GradPlace<T>, ends: boolean): T | undefined {
    const touched = this.touch(of as unknown as GradPlace<Tensor>);
    // What was there before the function meets its first change alone.
    if (!touched.changed) touched.ends = ends;
    touched.changed = true;
    return touched.before as unknown as T | undefined;
  }

  /** Gives every leaf back what it held, and tells what a call reads and leaves. */
  finish(): { readonly read: ReadGrad[]; readonly left: LeftGrad[] } {
    const read: ReadGrad[] = [];
    const left: LeftGrad[] = [];
    for (const [leaf, { before, placeholder, changed, ends }] of this.touched) {
      const value = leaf.current;
      leaf.current = before;
      if (placeholder) read.push({ leaf, placeholder });
      if (changed && !(value && value === placeholder)) left.push({ leaf, value, ends });
    }
    this.touched.clear();
    return { read, left };
  }

  private touch(leaf: GradPlace<Tensor>): Touched {
    return getOrMake(this.touched, leaf, () => ({ before: leaf.current, placeholder: undefined, changed: false, ends: false }));
  }
}
