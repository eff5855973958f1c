import { ceilDiv, entry, f32, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { philoxWgsl } from './philox.js';

export interface DropoutProblem {
  readonly size: number;
  readonly channels: number;
  /** Elements of one image plane when the tensor lies channels last; 1 for row-major ones. */
  readonly plane: number;
  /** Probability of dropping an element. */
  readonly p: number;
  /** Tells the dropouts of one step apart. */
  readonly stream: number;
  readonly dtype: 'f32' | 'f16';
}

/** Keeps or drops the element `at`, by the word of its logical index. */
const one = (dtype: string, logical: string, at: string): string =>
  `y[${at}] = select(${dtype}(0.0), ${dtype}(f32(x[${at}]) * p.scale), unit(words[${logical} % 4u]) >= p.drop);`;

/**
 * y = x / (1 − p) where kept, else 0. Slots: x, rng (u32: seed low, seed high, step low, step high) → y. The choice
 * depends on (seed, step, stream, logical row-major index) alone, so it is the same in every layout and on every
 * adapter; the gradient is the same kernel on dy.
 */
export function planDropout(problem: DropoutProblem, target: Target): Plan {
  const { dtype, size } = problem;
  // In row-major order four neighbours share one call of the generator; channels last they lie apart.
  const perThread = problem.plane === 1 ? 4 : 1;
  const threads = ceilDiv(size, perThread);
  return planSingle(`dropout-${dtype}-by${perThread}`, target, {
    family: 'dropout',
    about: 'x and y lie alike. An invocation owns perThread elements; what they draw depends on their row-major index alone. No barriers.',
    key: { dtype, perThread },
    bindings: [read('x', dtype), read('rng', 'u32'), readWrite('y', dtype)],
    scalars: {
      ...u32s({ size, channels: problem.channels, plane: problem.plane, stream: problem.stream }),
      drop: f32(problem.p),
      scale: f32(problem.p < 1 ? 1 / (1 - problem.p) : 0),
    },
    workgroups: grid(threads, target),
    code: ({ dtype, perThread }) => `
${philoxWgsl}
fn draw(block: u32) -> vec4u { return philox(vec4u(block, p.stream, rng[2], rng[3]), vec2u(rng[0], rng[1])); }

${entry('i', perThread === 4 ? '(p.size + 3u) / 4u' : 'p.size')}
  ${
    perThread === 4
      ? `let words = draw(i);
  let end = min(i * 4u + 4u, p.size);
  for (var at = i * 4u; at < end; at++) { ${one(dtype, 'at', 'at')} }`
      : `let c = i % p.channels;
  let pixel = (i / p.channels) % p.plane;
  let n = i / (p.channels * p.plane);
  let logical = (n * p.channels + c) * p.plane + pixel;
  let words = draw(logical / 4u);
  ${one(dtype, 'logical', 'i')}`
  }
}`,
  });
}
