import type { Storage } from '../storage/storage.js';
import type { Tensor } from '../tensor/tensor.js';
import type { CompileOptions } from './compile-options.js';
import { type Arena, CompiledGraph } from './compiled-graph.js';
import { Graph } from './graph.js';
import type { GraphRecorder } from './graph-recorder.js';
import { type RecordedStep, type RecordOptions, recordStep } from './record-step.js';
import { rewriteNames, rewrites } from './rewrites/index.js';

/** One recording of a compiled function, rewritten and planned: what calls with inputs of these shapes run, in the modes it was made in. */
export interface StepRecording {
  /** Of the inputs' shapes. */
  readonly key: string;
  readonly recorder: GraphRecorder;
  readonly graph: CompiledGraph;
  readonly recorded: Omit<RecordedStep, 'recorder' | 'nodes' | 'results'>;
  /** How many nodes the rewrites left. */
  readonly nodes: number;
  readonly precision: 'f32' | 'mixed';
  /** What the latest call returned. */
  issued: Storage[];
}

interface MakeOptions extends Omit<RecordOptions, 'mixed'> {
  readonly options: CompileOptions;
  readonly arena: Arena;
}

/** Calls `body` once and makes of what it did a graph to run. */
export function makeRecording(key: string, body: (...inputs: Tensor[]) => unknown, { options, arena, ...how }: MakeOptions): StepRecording {
  const { device } = how;
  const mixed = options.precision === 'mixed' && device.caps.f16;
  const { recorder, nodes, results, ...recorded } = recordStep(body, { ...how, mixed });
  const graph = new Graph(nodes, results);
  let compiled: CompiledGraph;
  try {
    graph.removeDead();
    const target = { ...device.target, bake: !options.exact };
    if (!options.exact) for (const name of rewriteNames) if (options.rewrites?.[name] !== false) rewrites[name](graph, target);
    compiled = new CompiledGraph(device, graph, target, arena);
  } catch (error) {
    for (const table of graph.constants) table.release();
    recorder.release();
    throw error;
  }
  const precision = mixed ? 'mixed' : 'f32';
  return { key, recorder, graph: compiled, recorded, nodes: graph.nodes.length, precision, issued: [] };
}
