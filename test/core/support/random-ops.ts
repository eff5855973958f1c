import {
  add,
  addInto,
  avgPool2d,
  batchNorm,
  cast,
  cat,
  conv2d,
  copyInto,
  type Device,
  type Generator,
  groupNorm,
  layerNorm,
  maximum,
  maxPool2d,
  mean,
  mul,
  narrow,
  noGrad,
  randn,
  relu,
  reshape,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  zeros,
} from '@initlab/core';
import type { Dropout } from '@initlab/nn';

/** What ops of a random program find beside their operands. */
export interface Surroundings {
  readonly device: Device;
  /** Filters [8, C, 3, 3] by C, and `depthwise` [8, 1, 3, 3]. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Where a rounding may be that of a half, an edge (of a ReLU, a maximum) would fall on either side of it. */
  readonly smooth: boolean;
  readonly halves: boolean;
  /** What goes on from call to call; absent where a program is a function. */
  readonly state?: ProgramState | undefined;
}

/** What a program changes as it runs. */
export interface ProgramState {
  readonly dropout: Dropout;
  readonly generator: Generator;
  /** [4, 16], written in place. */
  readonly memory: Tensor;
  /** [8] each. */
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
}

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

/** Halves and floats meet by themselves in mixed precision only. */
const paired = (f: (x: Tensor, y: Tensor) => Tensor): RandomOp => {
  return (x, y) => (broadcasts(x, y) ? f(x, cast(y, x.dtype)) : undefined);
};
const filtered = (name: (channels: number) => string, options: Parameters<typeof conv2d>[2]): RandomOp => {
  return (x, _, { weights }) => {
    const weight = x.ndim === 4 ? weights.get(name(x.shape[1] ?? 0)) : undefined;
    return weight && conv2d(x, weight, options);
  };
};
const channels = (x: Tensor): number => x.shape[1] ?? 0;
/** How many values a batch norm takes together. */
const perChannel = (x: Tensor): number => x.size / channels(x);
const nothingOf = (x: Tensor): Tensor => narrow(x, { dim: 0, start: 0, length: 0 });

/** Makes a value of one or two; undefined where it does not apply. */
export type RandomOp = (x: Tensor, y: Tensor, around: Surroundings) => Tensor | undefined;

/** Ops that are functions. Norms see four values or more, so that none is a 0 by chance. */
export const functions: readonly RandomOp[] = [
  (x) => (x.size === 64 ? reshape(x, shapes[x.ndim === 2 ? 5 : 0]) : undefined),
  (x) => (x.size === 64 ? reshape(x, shapes[x.ndim === 2 ? 1 : 3]) : undefined),
  (x) => (x.size === 64 ? reshape(x, shapes[x.shape[1] === 8 ? 6 : 4]) : undefined),
  paired(add),
  paired((x, y) => sub(mul(x, 0.5), y)),
  paired((x, y) => mul(x, sigmoid(y))),
  (x, y, around) => paired(around.smooth ? (a, b) => mul(sigmoid(a), b) : maximum)(x, y, around),
  (x, _, { smooth }) => (smooth ? mul(x, sigmoid(x)) : relu(x)),
  (x) => mul(square(sigmoid(x)), 2),
  (x, _, { halves }) => (halves ? mul(x, sigmoid(x)) : mul(x, x)),
  (x) => (perChannel(x) >= 4 ? batchNorm(x, { training: true, eps: 0.1 }) : undefined),
  (x) => (x.size / (x.shape[0] ?? 1) >= 8 && channels(x) % 2 === 0 ? groupNorm(x, { groups: 2, eps: 0.1 }) : undefined),
  (x) => ((x.shape.at(-1) ?? 0) >= 4 ? layerNorm(x, { normalizedShape: [x.shape.at(-1) as number], eps: 0.1 }) : undefined),
  filtered((c) => `${c}`, { padding: 1 }),
  filtered((c) => `${c}`, { padding: 1, stride: 2 }),
  filtered((c) => (c === 8 ? 'depthwise' : ''), { padding: 1, groups: 8 }),
  (x, _, { smooth }) => (x.ndim === 4 && x.shape[2] === 4 ? (smooth ? avgPool2d : maxPool2d)(x, { kernelSize: 2 }) : undefined),
  (x) => (x.ndim === 4 && x.shape[2] === 4 ? avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1 }) : undefined),
  (x) => mul(sum(x, { dims: [0], keepdim: true }), 0.2),
  // Parts of no rows: joined, summed to zeros, and filtered.
  (x) => cat([nothingOf(x), x, nothingOf(x)]),
  (x) => add(x, sum(nothingOf(x), { dims: [0], keepdim: true })),
  (x, _, { weights }) =>
    x.ndim === 4 && weights.has(`${channels(x)}`)
      ? add(x, cast(sum(conv2d(nothingOf(x), weights.get(`${channels(x)}`) as Tensor, { padding: 1 })), x.dtype))
      : undefined,
  (x, _, { halves }) => (halves ? cast(x, x.dtype === 'f16' ? 'f32' : 'f16') : undefined),
];

/** Ops that change something, or whose results change from call to call. */
export const stateful: readonly RandomOp[] = [
  (x, _, { state }) => state?.dropout.forward(x),
  (x, _, { state, device }) => state && add(x, cast(mul(randn(x.shape, { generator: state.generator, device }), 0.1), x.dtype)),
  // Written to before it is read, and kept for the next call.
  (x, _, { state }) => {
    if (!state || x.size !== 64) return undefined;
    const made = noGrad(() => mul(cast(reshape(x, [4, 16]), 'f32'), 0.25));
    addInto(state.memory, made);
    return add(x, cast(reshape(mul(state.memory, 0.5), x.shape), x.dtype));
  },
  // Read before it is written to.
  (x, _, { state }) => {
    if (!state || x.size !== 64) return undefined;
    const y = add(x, cast(reshape(mul(state.memory, 0.5), x.shape), x.dtype));
    copyInto(
      state.memory,
      noGrad(() => sigmoid(cast(reshape(y, [4, 16]), 'f32'))),
    );
    return y;
  },
  // Made here and changed in place.
  (x, y, { device }) => {
    const sum_ = zeros(x.shape, { device, dtype: x.dtype, format: x.format });
    addInto(sum_, x);
    if (y.size === x.size && y.dtype === x.dtype) addInto(sum_, reshape(y, x.shape));
    return add(mul(sum_, 0.3), x);
  },
  (x, _, { device }) => {
    const numbers = tensor([1, 2, 3, 4], { device });
    const before = mean(numbers);
    numbers.set([0.5, 0.25, 0.75, 0.5]);
    return mul(x, cast(add(mul(before, 0.2), mean(numbers)), x.dtype));
  },
  (x, _, { state }) => {
    if (!state || channels(x) !== 8 || perChannel(x) < 4) return undefined;
    const { runningMean, runningVar } = state;
    return batchNorm(x, { training: true, eps: 0.1, runningMean, runningVar });
  },
  // Evaluation reads what training wrote.
  (x, _, { state }) => {
    if (!state || channels(x) !== 8 || perChannel(x) < 4) return undefined;
    const { runningMean, runningVar } = state;
    return batchNorm(x, { training: false, eps: 0.1, runningMean: runningMean.detach(), runningVar: runningVar.detach() });
  },
];

/** One step of a program: what to do, and with which values made before. */
export type Instruction = readonly [op: number, first: number, second: number];

/** Carries out instructions upon `values`, and returns the last value. */
export function carryOut(instructions: readonly Instruction[], values: Tensor[], around: Surroundings): Tensor {
  const ops = around.state ? [...functions, ...stateful] : functions;
  for (const [op, first, second] of instructions) {
    // Mostly what was made last, so that chains come about.
    const back = (n: number): Tensor => values[Math.max(0, values.length - 1 - Math.max(0, n - 4))] as Tensor;
    const [x, y] = [back(first), back(second)];
    for (let i = 0, made: Tensor | undefined; !made; i++) {
      made = ops[(op + i) % ops.length]?.(x, y, around);
      if (made) values.push(made);
    }
  }
  return values.at(-1) as Tensor;
}
