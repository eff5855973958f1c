import {
  add,
  autocast,
  backward,
  cast,
  conv2d,
  crossEntropy,
  type Device,
  Generator,
  InitlabError,
  mean,
  mul,
  scope,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { ResidentDataset } from '@initlab/data';
import { Adam, AdamW, Dropout, LAMB, LARS, type Optimizer, SGD } from '@initlab/nn';
import fc from 'fast-check';
import { parityFill } from '../../support/parity-fill.js';
import { carryOut, functions, type Instruction, type ProgramState, type Surroundings, stateful } from './random-ops.js';

type Groups = ConstructorParameters<typeof SGD>[0];

/**
 * Every kind of update. Adam's eps keeps a gradient of almost nothing from becoming a whole step one way or the other; the rates of LARS and
 * LAMB do, whose steps have the length of the parameter.
 */
const optimizers: readonly ((params: Groups) => Optimizer)[] = [
  (params) => new SGD(params, { lr: 0.05 }),
  (params) => new SGD(params, { lr: 0.05, momentum: 0.9, weightDecay: 0.01 }),
  (params) => new SGD(params, { lr: 0.05, momentum: 0.8, dampening: 0.3 }),
  (params) => new SGD(params, { lr: 0.05, momentum: 0.9, nesterov: true }),
  (params) => new Adam(params, { lr: 0.02, eps: 0.1, weightDecay: 0.01 }),
  (params) => new AdamW(params, { lr: 0.02, eps: 0.1, betas: [0.8, 0.9] }),
  (params) => new LARS(params, { lr: 1e-3, trustCoefficient: 1e-2, weightDecay: 0.01 }),
  (params) => new LAMB(params, { lr: 1e-5, eps: 0.1, weightDecay: 0.01 }),
];

/** A function that trains: what it does at each of its steps, in one body. */
export interface TrainingProgram {
  readonly instructions: readonly Instruction[];
  /** Updates in one call. */
  readonly steps: number;
  readonly optimizer: number;
  /** Norm of gradients is held to 1 by the optimiser, or the loss is made small. */
  readonly clips: boolean;
  /** Gradients of several steps are added up. */
  readonly accumulates: boolean;
  readonly precision: 'f32' | 'halves' | 'mixed';
  /** See `Surroundings.smooth`. */
  readonly smooth: boolean;
}

export const trainingPrograms: fc.Arbitrary<TrainingProgram> = fc.record({
  instructions: fc.array(fc.tuple(fc.nat(functions.length + stateful.length - 1), fc.nat(7), fc.nat(7)), { minLength: 2, maxLength: 7 }),
  steps: fc.integer({ min: 1, max: 3 }),
  optimizer: fc.nat(optimizers.length - 1),
  clips: fc.boolean(),
  accumulates: fc.boolean(),
  precision: fc.constantFrom('f32', 'f32', 'halves', 'mixed'),
  smooth: fc.boolean(),
});

const filled = (device: Device, shape: readonly number[], seed: number): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(parityFill(count, { seed, scale: 0.7 }), { shape, device });
};

/** Parameters, optimiser, data and all else that a program changes, as it is at first. */
export class TrainingWorld {
  private readonly parameters: readonly Tensor[];
  private readonly weights: ReadonlyMap<string, Tensor>;
  private readonly optimizer: Optimizer;
  private readonly data: ResidentDataset;
  private readonly state: ProgramState;

  constructor(
    private readonly device: Device,
    private readonly program: TrainingProgram,
  ) {
    const leaf = (shape: readonly number[], seed: number): Tensor => filled(device, shape, seed).requiresGrad_();
    const start = [leaf([4, 16], 1), leaf([2, 8, 2, 2], 2)];
    this.weights = new Map([
      ['4', leaf([8, 4, 3, 3], 3)],
      ['8', leaf([8, 8, 3, 3], 4)],
      ['depthwise', leaf([8, 1, 3, 3], 5)],
    ]);
    this.parameters = start;
    const make = optimizers[program.optimizer] as (typeof optimizers)[number];
    this.optimizer = make([{ params: start }, { params: [...this.weights.values()], lrMultiplier: 0.5, weightDecay: 0 }]);
    this.state = {
      dropout: new Dropout(0.3, { generator: new Generator(5) }),
      generator: new Generator(6),
      memory: filled(device, [4, 16], 6),
      runningMean: filled(device, [8], 7),
      runningVar: tensor(new Float32Array(8).fill(1), { device }),
    };
    const [count, bytes] = [6, 4 * 4 * 4];
    const split = {
      images: Uint8Array.from({ length: count * bytes }, (_, i) => (i * 37 + 11) % 256),
      labels: Uint8Array.from([3, 0, 1, 1, 2, 0]),
      count,
    };
    this.data = new ResidentDataset(
      { name: 'random', classes: ['a', 'b', 'c', 'd'], channels: 4, height: 4, width: 4, mean: [0.5], std: [0.3], origin: 'test' },
      split,
      { device, augmentation: { cropPadding: 1, flip: true }, seed: 3 },
    );
  }

  /** What is run and compiled. `index` [4] (i32) are rows of the data. */
  readonly body = (index: Tensor): Tensor[] => {
    const { program, optimizer, state, device, weights } = this;
    const halves = program.precision !== 'f32';
    const around: Surroundings = { device, weights, smooth: program.smooth, halves, state };
    const results: Tensor[] = [];
    for (let step = 0; step < program.steps; step++) {
      if (step === 0 || !program.accumulates) optimizer.zeroGrad();
      const { images, labels } = this.data.batch(index);
      const filtered = conv2d(images, weights.get('4') as Tensor, { stride: 2, padding: 1 });
      const last = cast(carryOut(program.instructions, [...this.parameters, images, filtered], around), 'f32');
      const scored = last.ndim === 2 && last.shape[0] === 4 && (last.shape[1] ?? 0) >= 4;
      const score = scored ? crossEntropy(last, labels) : mul(sum(mul(last, add(mul(last, 0.1), 1))), 1 / last.size);
      // A program of images alone would have nothing to learn.
      const loss = add(score, mul(mean(this.parameters[0] as Tensor), 0.01));
      backward(program.clips ? loss : mul(loss, 0.1));
      if (program.clips) results.push(optimizer.clipGradNorm(1));
      optimizer.step();
      results.push(loss, last);
    }
    return results;
  };

  /** Everything that the calls so far left. */
  async left(): Promise<Record<string, number[]>> {
    const { state, data, optimizer } = this;
    const { generator, memory, runningMean, runningVar } = state;
    const found: Record<string, number[]> = {
      counts: [state.dropout.step, data.step, generator.state.offset, optimizer.steps],
    };
    for (const [name, x] of Object.entries({ memory, runningMean, runningVar })) found[name] = [...(await x.read())];
    for (const [i, p] of [...this.parameters, ...this.weights.values()].entries()) {
      found[`parameter ${i}`] = [...(await p.read())];
      if (p.grad) found[`gradient ${i}`] = [...(await p.grad.read())];
    }
    for (const [i, moment] of (await optimizer.state()).moments.flat().entries()) found[`moment ${i}`] = Array.from(moment);
    return found;
  }

  dispose(): void {
    const { memory, runningMean, runningVar } = this.state;
    this.optimizer.zeroGrad();
    this.optimizer.dispose();
    this.data.dispose();
    for (const x of [...this.parameters, ...this.weights.values(), memory, runningMean, runningVar]) x.dispose();
  }
}

/** What the calls of a program gave, by name; or the error of the first that refused. */
export type Outcome = Record<string, number[]> | string;

/** Calls `run`, which is a world's body in some form, with rows of the data that change from call to call. */
export async function outcomeOf(world: TrainingWorld, run: (index: Tensor) => Tensor[], device: Device): Promise<Outcome> {
  const found: Record<string, number[]> = {};
  const rows = [
    [0, 1, 2, 3],
    [5, 4, 1, 1],
    [2, 0, 3, 5],
  ];
  for (const [call, list] of rows.entries()) {
    const index = tensor(Int32Array.from(list), { device });
    try {
      const results = run(index);
      for (const [i, y] of results.entries()) found[`call ${call}, result ${i}`] = [...(await y.read())];
      for (const y of results) y.dispose();
    } catch (error) {
      if (!(error instanceof InitlabError)) throw error;
      return error.message;
    } finally {
      index.dispose();
    }
  }
  return { ...found, ...(await world.left()) };
}

/** The body as eager code: in mixed precision where the program says so and the adapter can. */
export const eagerly = (world: TrainingWorld, { mixed }: { readonly mixed: boolean }) => {
  return (index: Tensor): Tensor[] => scope(() => (mixed ? autocast(() => world.body(index)) : world.body(index)));
};
