import type { Tensor } from '../tensor/tensor.js';
import { type CompileOptions, checkCompileOptions } from './compile-options.js';
import { CompiledFunction, type CompiledStats } from './compiled-function.js';
import type { TunableNode } from './compiled-graph.js';
import type { StepInput } from './feeds.js';

/**
 * A step recorded once per shape of its inputs, and per mode of what it uses (`train()` or `eval()`, `requiresGrad`, whether a
 * parameter has a gradient to add to), and replayed afterwards. The returned tensors hold the values of the latest call:
 * `read()` them before the next one (the copy is taken at once), or keep copies, `loss.add(0)`. Using one that was
 * overwritten is an error.
 */
export interface CompiledStep<R> {
  (...inputs: StepInput[]): R;
  /** Record, plan and create pipelines in parallel without running; the first call then starts at once. */
  prepare(...inputs: StepInput[]): Promise<void>;
  /** Facts about the step as compiled for these inputs (or the latest). */
  stats(): CompiledStats;
  /** What `initlab tune` can choose kernels for, node by node; records the step where that was not done yet. */
  tunables(...inputs: StepInput[]): readonly TunableNode[];
  /** Give all buffers back. */
  dispose(): void;
}

/**
 * Compile a function of tensors (usually a whole training step: forward, backward, optimiser). It must be pure but for
 * ops: host code runs only while recording, except for hooks such as an optimiser's learning rate.
 */
export function compile<R>(body: (...inputs: Tensor[]) => R, options: CompileOptions = {}): CompiledStep<R> {
  checkCompileOptions(options);
  const compiled = new CompiledFunction(body, options);
  return Object.assign((...inputs: StepInput[]) => compiled.call(inputs), {
    prepare: (...inputs: StepInput[]) => compiled.prepare(inputs),
    stats: () => compiled.stats,
    tunables: (...inputs: StepInput[]) => compiled.recordingFor(inputs).graph.tunables,
    dispose: () => compiled.dispose(),
  });
}
