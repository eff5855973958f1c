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
  layerNorm,
  maximum,
  maxPool2d,
  mul,
  openDevice,
  relu,
  reshape,
  scope,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

/** Graphs for each planner; more of them, and others, by INITLAB_GRAPHS=200 INITLAB_GRAPHS_SEED=7. */
const count = Number(process.env.INITLAB_GRAPHS ?? 120);
const seed = Number(process.env.INITLAB_GRAPHS_SEED ?? 1);
/** A rounding differs where ops are joined; a norm of few values makes more of it. */
const bound = { absolute: 1e-5, relative: 2e-4 };

const shapes = [
  [4, 16],
  [16, 4],
  [1, 64],
  [64, 1],
  [2, 8, 2, 2],
  [4, 4, 2, 2],
  [4, 16, 1, 1],
  [2, 2, 4, 4],
] as const;
/** Larger ones only take time. */
const mostElements = 1024;

/** One step of a program: what to do, and with which values made before. */
type Instruction = readonly [op: number, first: number, second: number];

interface Program {
  readonly instructions: readonly Instruction[];
  /** Whether gradients are taken too: they need values between, which without them are never stored. */
  readonly trains: boolean;
}

interface Operands {
  readonly start: readonly Tensor[];
  /** By their shape. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

const broadcasts = (a: Tensor, b: Tensor): boolean => {
  const rank = Math.max(a.ndim, b.ndim);
  const size = (x: Tensor, d: number): number => x.shape[d - rank + x.ndim] ?? 1;
  let elements = 1;
  for (let d = 0; d < rank; d++) {
    const [m, n] = [size(a, d), size(b, d)];
    if (m !== n && m !== 1 && n !== 1) return false;
    elements *= Math.max(m, n);
  }
  return elements <= mostElements;
};

/** Ops that apply to `x` (and `y`); undefined where they do not. Norms see four values or more, so that none is a 0 by chance. */
const ops: readonly ((x: Tensor, y: Tensor, { weights }: Operands) => Tensor | undefined)[] = [
  (x, _, __) => (x.size === 64 ? reshape(x, shapes[x.ndim === 2 ? 5 : 0]) : undefined),
  (x, _, __) => (x.size === 64 ? reshape(x, shapes[x.ndim === 2 ? 1 : 3]) : undefined),
  (x, _, __) => (x.size === 64 ? reshape(x, shapes[x.shape[1] === 8 ? 6 : 4]) : undefined),
  (x, y) => (broadcasts(x, y) ? add(x, y) : undefined),
  (x, y) => (broadcasts(x, y) ? sub(mul(x, 0.5), y) : undefined),
  (x, y) => (broadcasts(x, y) ? mul(x, sigmoid(y)) : undefined),
  (x, y) => (broadcasts(x, y) ? maximum(x, y) : undefined),
  (x) => relu(x),
  (x) => mul(square(sigmoid(x)), 2),
  (x) => mul(x, x),
  (x) =>
    (x.shape[0] ?? 0) * (x.size / ((x.shape[0] ?? 1) * (x.shape[1] ?? 1))) >= 4 ? batchNorm(x, { training: true, eps: 0.1 }) : undefined,
  (x) => (x.size / (x.shape[0] ?? 1) >= 8 && (x.shape[1] ?? 0) % 2 === 0 ? groupNorm(x, { groups: 2, eps: 0.1 }) : undefined),
  (x) => ((x.shape.at(-1) ?? 0) >= 4 ? layerNorm(x, { normalizedShape: [x.shape.at(-1) as number], eps: 0.1 }) : undefined),
  (x, _, { weights }) =>
    x.ndim === 4 && weights.has(`${x.shape[1]}`) ? conv2d(x, weights.get(`${x.shape[1]}`) as Tensor, { padding: 1 }) : undefined,
  (x) => (x.ndim === 4 && x.shape[2] === 4 ? maxPool2d(x, { kernelSize: 2 }) : undefined),
  (x) => mul(sum(x, { dims: [0], keepdim: true }), 0.2),
];

/** Runs a program: the last value and, with `backward`, gradients of its weighted sum. */
function run({ instructions, trains }: Program, operands: Operands): Tensor[] {
  const values = [...operands.start];
  for (const [op, first, second] of instructions) {
    // Mostly what was made last, so that chains come about.
    const back = (n: number): Tensor => values[values.length - 1 - Math.max(0, n - 4)] as Tensor;
    const [x, y] = [back(first), back(second)];
    for (let i = 0, made: Tensor | undefined; !made; i++) {
      made = ops[(op + i) % ops.length]?.(x, y, operands);
      if (made) values.push(made);
    }
  }
  const last = values.at(-1) as Tensor;
  if (!trains) return [last];
  const leaves = [...operands.start, ...operands.weights.values()];
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
      start: [made([4, 16], 1), made([2, 8, 2, 2], 2), made([64, 1], 3), made([2, 2, 4, 4], 4)],
      weights: new Map([4, 8].map((channels) => [`${channels}`, made([8, channels, 3, 3], channels)])),
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

  it('compiled, they give what they give op by op', async () => {
    const instruction = fc.tuple(fc.nat(ops.length - 1), fc.nat(7), fc.nat(7));
    const programs = fc.record({ instructions: fc.array(instruction, { minLength: 3, maxLength: 10 }), trains: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(programs, (program) => compare(() => run(program, operands))),
      { numRuns: count, seed },
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
