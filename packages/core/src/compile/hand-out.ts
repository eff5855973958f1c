import type { Storage } from '../storage/storage.js';
import { Tensor } from '../tensor/tensor.js';
import type { CompiledGraph } from './compiled-graph.js';
import type { Feed, StepInput } from './feeds.js';

/** One call of a compiled function. */
export interface Call {
  readonly graph: CompiledGraph;
  readonly feeds: readonly Feed[];
  /** What was copied into each placeholder. */
  readonly fed: readonly (StepInput | undefined)[];
  /** Takes down storages that the next call overwrites. */
  readonly issued: Storage[];
}

/**
 * A fresh handle on what a call gives for `x` of the recording: on the step's own result buffer, until the next call; on the
 * caller's tensor, where the function hands out what it was given; or on a captured tensor.
 */
export function handOut(x: Tensor, { graph, feeds, fed, issued }: Call): Tensor {
  const at = feeds.findIndex(({ placeholder }) => placeholder.storage === x.storage);
  const given = at < 0 ? undefined : fed[at];
  // A result that this very call has overwritten is the caller's no longer.
  if (given instanceof Tensor && given.storage.region && !given.storage.result) return new Tensor(given.storage.retain(), x.spec);
  // The placeholder itself is not for handing out: the next call copies its inputs there, perhaps before it reads this one.
  if (at >= 0) graph.copyToResult((feeds[at] as Feed).placeholder);
  const own = graph.results.get(x.storage);
  const storage = own ? own.asResult() : x.storage.retain();
  if (own) issued.push(storage);
  return new Tensor(storage, x.spec);
}
