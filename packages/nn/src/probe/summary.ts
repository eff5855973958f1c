import { type Device, defaultDevice, OpError, type Tensor, zeros } from '@initlab/core';
import { showValue } from '@initlab/core/internal';
import { Identity } from '../layers/containers.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { withForwardHook } from '../module/forward-hook.js';
import { checkModule, type Module } from '../module/module.js';
import type { Parameter } from '../module/parameter.js';
import { withoutTrace } from '../module/without-trace.js';

/** A module that does something itself (no Identity; has no submodules, or parameters of its own), as the forward reached it. */
export interface SummaryRow {
  readonly name: string;
  /** Class name: `Conv2d`. */
  readonly type: string;
  readonly outputShape: readonly number[];
  /** Elements of its own parameters; those that an earlier row has (a layer used twice, tied weights) count there. */
  readonly parameters: number;
  /** Multiplications with additions of its product, for the whole batch; 0 where there is none. */
  readonly multiplyAdds: number;
}

/** What `summary` found in a model and `renderSummary` shows. */
export interface ModelSummary {
  readonly inputShape: readonly number[];
  /** In order of execution. */
  readonly rows: readonly SummaryRow[];
  /** Of the whole model, shared ones once. */
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/**
 * What a model is made of: each layer's type, output shape, parameters and multiply-adds, found by sending zeros of
 * `inputShape` [N, C, H, W] through it once, in evaluation mode. The model is left as it was. `renderSummary` shows it.
 */
export function summary(model: Module, inputShape: readonly number[]): ModelSummary {
  checkModule('summary', model);
  if (!Array.isArray(inputShape))
    throw new OpError('summary', `takes the shape of a batch, such as [1, 3, 32, 32], got ${showValue(inputShape)}`);
  const names = new Map([...model.namedModules()].map(([name, module]) => [module, name]));
  const counted = new Set<Parameter>();
  const rows: SummaryRow[] = [];
  const see = (module: Module, { output }: { output: Tensor }): undefined => {
    // Where a norm or a shortcut might be and is not.
    if (module instanceof Identity) return undefined;
    const own = ownParameters(module);
    const leaf = [...module.namedChildren()].length === 0;
    if (!leaf && own.length === 0) return undefined;
    const { shape } = output;
    const fresh = own.filter((p) => !counted.has(p));
    for (const p of fresh) counted.add(p);
    rows.push({
      name: names.get(module) ?? '',
      type: module.constructor.name,
      outputShape: [...shape],
      parameters: fresh.reduce((sum, p) => sum + p.size, 0),
      multiplyAdds: multiplyAdds(module, shape),
    });
    return undefined;
  };
  withoutTrace(model, () => withForwardHook(model, see, () => void model.forward(zeros([...inputShape], { device: deviceOf(model) }))));
  return {
    inputShape,
    rows,
    parameters: model.parameters().reduce((sum, p) => sum + p.size, 0),
    multiplyAdds: rows.reduce((sum, row) => sum + row.multiplyAdds, 0),
  };
}

function deviceOf(model: Module): Device {
  const [first] = model.stateDict().values();
  return first?.device ?? defaultDevice();
}

function ownParameters(module: Module): Parameter[] {
  const below = new Set([...module.namedChildren()].flatMap(([, child]) => child.parameters()));
  return module.parameters().filter((p) => !below.has(p));
}

/** Every output element takes as many as there are weights behind it. */
function multiplyAdds(module: Module, shape: readonly number[]): number {
  const outputs = shape.reduce((a, b) => a * b, 1);
  if (module instanceof Conv2d) return outputs * (module.weight.size / module.outChannels);
  return module instanceof Linear ? outputs * module.inFeatures : 0;
}

/** The summary as aligned text, a line a layer, with totals. */
export function renderSummary(found: ModelSummary): string {
  if (!Array.isArray(found?.rows)) throw new OpError('renderSummary', `takes what summary(model, shape) gives, got ${showValue(found)}`);
  const { inputShape, rows, parameters, multiplyAdds: total } = found;
  const whole = (value: number): string => value.toLocaleString('en-US');
  const lines = [
    ['layer', 'type', 'output', 'parameters', 'multiply-adds'],
    ...rows.map((r) => [r.name || '(model)', r.type, `[${r.outputShape.join(', ')}]`, whole(r.parameters), whole(r.multiplyAdds)]),
  ];
  const widths = [0, 1, 2, 3, 4].map((c) => Math.max(...lines.map((line) => (line[c] as string).length)));
  const text = lines.map((line) =>
    line
      .map((cell, c) => (c < 3 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number)))
      .join('  ')
      .trimEnd(),
  );
  return [...text, '', `input [${inputShape.join(', ')}]: ${whole(parameters)} parameters, ${whole(total)} multiply-adds`].join('\n');
}
