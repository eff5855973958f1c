import type { Storage } from '../storage/storage.js';
import { Tensor } from '../tensor/tensor.js';
import type { CompiledGraph } from './compiled-graph.js';
import type { StepInput } from './feeds.js';

/** A placeholder and what was copied into it. */
interface Fed {
  readonly placeholder: Tensor;
  readonly given: StepInput;
}

/** One call of a compiled function. */
export interface Call {
  readonly graph: CompiledGraph;
  readonly fed: readonly Fed[];
  /** Takes down storages that the next call overwrites. */
  readonly issued: Storage[];
}

/**
 * A fresh handle on what a call gives for `x` of the recording: on the step's own result buffer, until the next call; on the
 * caller's tensor, where the function hands out what it was given; or on a captured tensor.
 */
export function handOut(x: Tensor, { graph, fed, issued }: Call): Tensor {
  const input = fed.find(({ placeholder }) => placeholder.storage === x.storage);
  const given = input?.given;
  // A result that this very call has overwritten is the caller's no longer.
  if (given instanceof Tensor && given.storage.region && !given.storage.result) return new Tensor(given.storage.retain(), x.spec);
  // The placeholder itself is not for handing out: the next call copies its inputs there, perhaps before it reads this one.
  if (input) graph.copyToResult(input.placeholder);
  const own = graph.results.get(x.storage);
  const storage = own ? own.asResult() : x.storage.retain();
  if (own) issued.push(storage);
  return new Tensor(storage, x.spec);
}
