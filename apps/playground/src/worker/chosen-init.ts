import type { InitializeWeights } from '@initlab/nn';

/** An initialisation as a run takes it. */
export interface ChosenInit {
  readonly initialize: InitializeWeights;
  /** Needs a batch of images. */
  readonly dataDependent: boolean;
}
