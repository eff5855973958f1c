import type { RowParts } from '../../norm/problem.js';
import type { Plan } from '../../plan.js';

/** Filters as one implicit product reads them: OIHW to [group][tap][inner][`width`], zeros past the last of outer. */
export interface FilterPack {
  readonly forward: boolean;
  readonly taps: number;
  readonly inner: number;
  readonly outer: number;
  /** `outer` rounded up to whole vectors. */
  readonly width: number;
  /** Elements of the result. */
  readonly packed: number;
  readonly dtype: 'f32' | 'f16';
}

/** A weight gradient in parts: part s of element i is `partials[s · elements + i]`, elements [tap][input channel][output channel]. */
export interface WeightParts {
  readonly elements: number;
  readonly splits: number;
  readonly outChannels: number;
  /** Input channels of a group. */
  readonly groupIn: number;
  readonly taps: number;
}

/** A convolution's plan, and what of it a whole step may do once for many layers instead. */
export interface Conv2dPlan extends Plan {
  /** Set where the first dispatch packs the filters into the temporary `filters`: how (see `withPackedFilters`). */
  readonly pack?: FilterPack;
  /** Set where the last dispatch joins the temporary `partials` to a weight gradient (see `withoutJoin`). */
  readonly weightParts?: WeightParts;
  /** How the rows are divided whose sums an epilogue leaves. */
  readonly parts?: RowParts;
}
