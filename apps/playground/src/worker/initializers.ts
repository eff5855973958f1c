import { findInitializer, type InitializeWeights } from '@initlab/nn';

/** An initialisation as a run takes it. */
export interface ChosenInit {
  readonly initialize: InitializeWeights;
  /** Needs a batch of images. */
  readonly dataDependent: boolean;
}

/** A registered initialisation by name. */
export function initializerFor(name: string): ChosenInit {
  const { initialize, dataDependent = false } = findInitializer(name);
  return { initialize, dataDependent };
}
