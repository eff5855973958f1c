import {
  add,
  backward,
  batchNorm,
  compile,
  conv2d,
  type Device,
  grad,
  groupNorm,
  keep,
  maxPool2d,
  mul,
  openDevice,
  relu,
  reshape,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { carryOut, functions, type Instruction } from './support/random-ops.js';
import { eagerly, type Outcome, outcomeOf, type TrainingProgram, TrainingWorld, trainingPrograms } from './support/random-training.js';

/** Graphs for each planner, functions and trainings; more of them, and others, by INITLAB_GRAPHS=200 INITLAB_GRAPHS_SEED=7. */
const count = Number(process.env.INITLAB_GRAPHS ?? 20);
const seed = Number(process.env.INITLAB_GRAPHS_SEED ?? 1);
/** What two thousand take exceeds what a test has otherwise. */
const timeout = 120_000 + count * 1000;
/** A rounding differs where ops are joined; a norm of few values makes more of it. */
const bound = { absolute: 1e-5, relative: 2e-4 };
/** As above, where the rounding that ops joined leave out is one to a half: 2⁻¹¹ instead of 2⁻²⁴, in values around 1. */
const halfBound = { absolute: 5e-3, relative: 5e-2 };

interface Program {
  readonly instructions: readonly Instruction[];
  /** Whether gradients are taken too: they need values between, which without them are never stored. */
  readonly trains: boolean;
}

interface Operands {
  readonly device: Device;
  readonly start: readonly Tensor[];
  /** By their shape. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Runs a program: the last value and, with `backward`, gradients of its weighted sum. */
function run({ instructions, trains }: Program, { device, start, weights }: Operands): Tensor[] {
  const last = carryOut(instructions, [...start], { device, weights, smooth: false, halves: false });
  if (!trains) return [last];
  const leaves = [...start, ...weights.values()];
  for (const leaf of leaves) leaf.grad = undefined;
  backward(sum(mul(last, add(mul(last, 0.1), 1))));
  const gradients = leaves.flatMap((leaf) => leaf.grad ?? []);
  return [last, ...gradients];
}

/** Where chance seldom leads: a view between two ops that are otherwise joined. */
const views: readonly (readonly [string, (made: (shape: readonly number[], seed: number) => Tensor) => Tensor])[] = [
  [
    "the gradient of a norm's operand, added",
    (made) => {
      const x = made([1, 4], 1);
      const [dx] = grad(sum(mul(groupNorm(x, { groups: 1 }), made([1, 4], 2))), [x]) as [Tensor];
      return add(reshape(dx, [4, 1]), made([1, 4], 3));
    },
  ],
  [
    "a convolution's results, normalised over other channels",
    (made) => batchNorm(reshape(conv2d(made([4, 8, 3, 3], 1), made([16, 8, 3, 3], 2)), [8, 8]), { training: true }),
  ],
  [
    "a convolution's input gradient, of a norm with other channels",
    (made) => {
      const x = made([8, 8], 1);
      const y = conv2d(reshape(batchNorm(x, { training: true }), [4, 16, 1, 1]), made([16, 16, 1, 1], 2));
      return grad(sum(mul(square(y), made([4, 16, 1, 1], 3))), [x])[0] as Tensor;
    },
  ],
  ['a ReLU of another image than is pooled', (made) => maxPool2d(reshape(relu(made([4, 1, 8, 8], 1)), [2, 1, 16, 8]), { kernelSize: 2 })],
];

describe.each([
  ['a CPU driver', {}],
  // What a GPU gets, in tiles that a CPU's compiler is done with soon.
  ['a GPU', { software: false, rolled: true, maxWorkgroupStorage: 8192 }],
])('random graphs as planned for %s', (_, target) => {
  let device: Device;
  let operands: Operands;
  const made = (shape: readonly number[], from: number): Tensor =>
    tensor(
      parityFill(
        shape.reduce((a, b) => a * b, 1),
        { seed: from },
      ),
      { shape, device },
    ).requiresGrad_();
  beforeAll(async () => {
    device = await openDevice({ target });
    operands = {
      device,
      start: [made([4, 16], 1), made([2, 8, 2, 2], 2), made([64, 1], 3), made([2, 2, 4, 4], 4)],
      weights: new Map([4, 8, 1].map((c) => [c === 1 ? 'depthwise' : `${c}`, made([8, c, 3, 3], c)])),
    };
  });
  afterAll(() => device.close());

  const read = async (values: readonly Tensor[]): Promise<number[][]> => {
    const all: number[][] = [];
    for (const y of values) all.push(Array.from(await y.read()));
    for (const y of values) y.dispose();
    return all;
  };
  const compare = async (body: () => Tensor[]): Promise<void> => {
    const eager = await read(scope(body));
    const step = compile(body, { device });
    const compiled = await read(step());
    step.dispose();
    expect(compiled.length).toBe(eager.length);
    compiled.forEach((values, i) => expect(differs(`value ${i}`, values, eager[i] as number[], bound)).toBe(''));
  };

  it('compiled, they give what they give op by op', { timeout }, async () => {
    const instruction = fc.tuple(fc.nat(functions.length - 1), fc.nat(7), fc.nat(7));
    const programs = fc.record({ instructions: fc.array(instruction, { minLength: 3, maxLength: 10 }), trains: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(programs, (program) => compare(() => run(program, operands))),
      { numRuns: Math.ceil(count / 2), seed },
    );
  });

  const outcome = async (program: TrainingProgram, options: { exact?: boolean } | undefined): Promise<Outcome> => {
    const world = new TrainingWorld(device, program);
    const mixed = program.precision === 'mixed' && device.caps.f16;
    try {
      if (!options) return await outcomeOf(world, eagerly(world, { mixed }), device);
      const step = compile(world.body, { device, precision: mixed ? 'mixed' : 'f32', ...options });
      const found = await outcomeOf(world, step, device);
      step.dispose();
      return found;
    } finally {
      world.dispose();
    }
  };
  const expectAlike = (found: Outcome, eager: Outcome, within: Bound): void => {
    if (typeof found === 'string' || typeof eager === 'string') {
      expect(found).toBe(eager);
      return;
    }
    expect(Object.keys(found)).toEqual(Object.keys(eager));
    for (const [name, values] of Object.entries(found)) expect(differs(name, values, eager[name] as number[], within)).toBe('');
  };

  it('trainings of several calls: exact to the bit, and joined within roundings', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(trainingPrograms, async (drawn) => {
        const program: TrainingProgram = device.caps.f16 ? drawn : { ...drawn, precision: 'f32' };
        const eager = await outcome(program, undefined);
        expectAlike(await outcome(program, { exact: true }), eager, { absolute: 0, relative: 0 });
        const halves = program.precision !== 'f32';
        // See `smooth`: what an edge makes of a half's rounding is no fault.
        if (!halves || program.smooth) expectAlike(await outcome(program, {}), eager, halves ? halfBound : bound);
      }),
      { numRuns: Math.floor(count / 2), seed },
    );
  });

  it.each(views)('through a view: %s', async (_, body) => {
    const leaves = new Map<string, Tensor>();
    const leaf = (shape: readonly number[], from: number): Tensor => {
      const key = `${shape} ${from}`;
      const known = leaves.get(key) ?? keep(made(shape, from));
      leaves.set(key, known);
      return known;
    };
    await compare(() => [body(leaf)]);
    for (const x of leaves.values()) x.dispose();
  });
});
