import { compile, type Device } from '@initlab/core';
import { Adagrad, Adam, type Optimizer, type OptimizerState, Parameter, type ParameterGroup, SGD } from '@initlab/nn';
import { type Call, numbersOf, type Values } from './call.js';

/** An update of ONNX said with our optimiser: what keeps as many numbers a parameter, and how many steps it has behind it. */
interface Rule {
  readonly make: (params: readonly ParameterGroup[], call: Call) => Optimizer;
  readonly moments: number;
  readonly stepsBefore: number;
}
const lrOf = (call: Call): number => call.numbers(0)?.[0] as number;

/** All cases have T = 0: the first update, though with moments that are not 0. */
export const optimizers: Readonly<Record<string, Rule>> = {
  Adagrad: {
    make: (params, call) =>
      new Adagrad(params, {
        lr: lrOf(call),
        lrDecay: call.number('decay_factor', 0),
        eps: call.number('epsilon', 1e-6),
        weightDecay: call.number('norm_coefficient', 0),
      }),
    moments: 1,
    stepsBefore: 0,
  },
  // ONNX corrects no bias at T = 0, PyTorch at every step: after 10⁵ its correction is 1. At T > 0 ONNX adds ε before it, PyTorch after.
  Adam: {
    make: (params, call) =>
      new Adam(params, {
        lr: lrOf(call),
        betas: [call.number('alpha', 0.9), call.number('beta', 0.999)],
        // The numbers of `adam_multiple` are those of an ε that its node does not tell.
        eps: call.number('epsilon', call.of.name === 'adam_multiple' ? 0.01 : 1e-6),
        weightDecay: call.number('norm_coefficient', 0),
      }),
    moments: 2,
    stepsBefore: 1e5,
  },
  // `beta`, what dampening leaves, counts from the second update on, in PyTorch too.
  Momentum: {
    make: (params, call) =>
      new SGD(params, {
        lr: lrOf(call),
        momentum: call.number('alpha', 0),
        nesterov: call.text('mode', 'standard') === 'nesterov',
        weightDecay: call.number('norm_coefficient', 0),
      }),
    moments: 1,
    stepsBefore: 0,
  },
};

/** Operands are the rate, T, and of all parameters first the values, then the gradients, then each of the moments. */
export async function optimizerOutputs(call: Call, { moments, stepsBefore, make }: Rule, way: 'eager' | 'compiled'): Promise<number[][]> {
  const rest = call.of.inputs.slice(2) as Values[];
  const count = rest.length / (2 + moments);
  const part = (kind: number, p: number): Values => rest[kind * count + p] as Values;
  const params = Array.from({ length: count }, (_, p) => parameterOf(part(0, p), call.device));
  const optimizer = make(
    params.map((p) => ({ params: [p] })),
    call,
  );
  const fresh = await optimizer.state();
  optimizer.loadState({ ...fresh, steps: stepsBefore, moments: filled(fresh, (p, k) => numbersOf(part(2 + k, p))) });
  params.forEach((p, i) => {
    p.grad = p.gradSlot?.set(numbersOf(part(1, i)));
  });
  const update = (): void => optimizer.step();
  (way === 'compiled' ? compile(update, { device: call.device }) : update)();
  const after = await optimizer.state();
  const values = await Promise.all(params.map(async (p) => [...(await p.read())]));
  const kept = Array.from({ length: moments }, (_, k) =>
    params.map((p, i) => Array.from(after.moments[i]?.[k] as ArrayLike<number>).slice(0, p.size)),
  );
  optimizer.dispose();
  for (const p of params) p.dispose();
  return [...values, ...kept.flat()];
}

const parameterOf = (values: Values, device: Device): Parameter => {
  const p = new Parameter(values.shape, { device });
  p.set(numbersOf(values));
  return p;
};

/** Moments of a group are longer than its parameter where it does not fill a line of memory. */
const filled = ({ moments }: OptimizerState, of: (group: number, moment: number) => number[]): Float32Array[][] =>
  moments.map((group, i) =>
    group.map((own, k) => {
      const all = new Float32Array(own.length);
      all.set(of(i, k));
      return all;
    }),
  );
