import { ceilDiv, dispatch, entry, grid, u32s } from '../kernel.js';
import type { Dispatch, Target } from '../plan.js';
import type { NormProblem } from './problem.js';
import type { NormKernel } from './vectors.js';

/** Work on every element, with everything that depends on the channel loaded once. The code sees `c` and `segment`. */
export interface RowBody {
  readonly prologue: string;
  /** Handles the element (vector) `at`. */
  readonly step: string;
}

/**
 * A thread keeps to its channels and walks over rows. On a GPU the threads' rows interleave, so that side by side they
 * read side by side; on a CPU driver each takes a block of rows that follow one another.
 */
export function rowMap(map: NormKernel<RowBody>, { problem, target }: { problem: NormProblem; target: Target }): Dispatch {
  const { segments, rows, channels, groups } = problem;
  const lanes = channels / map.key.vec;
  let chunk: number;
  if (target.software) chunk = ceilDiv(rows, Math.min(rows, ceilDiv(1024, segments * lanes)));
  else chunk = segments * rows * lanes >= 4 * 65536 ? Math.min(4, rows) : 1;
  const walkers = ceilDiv(rows, chunk);
  const count = segments * walkers * lanes;
  return dispatch(target, {
    family: map.family,
    key: { ...map.key, blocks: target.software },
    about: `A pass over all elements: x lies [segment][row][channel]. An invocation keeps to its channels, loads what belongs to them once, and walks over rows. No barriers.`,
    bindings: map.bindings,
    // Layers of different shapes share what a CPU driver compiles for a tenth of a second and more.
    bake: 'shared',
    scalars: u32s({ count, lanes, rows, walkers, chunk, groups, width: channels / groups }),
    workgroups: grid(count, target),
    code: (key) => {
      const { prologue, step } = map.body(key);
      return `
${entry('i', 'p.count')}
  let c = i % p.lanes;
  let walker = (i / p.lanes) % p.walkers;
  let segment = i / (p.lanes * p.walkers);
  let base = segment * p.rows * p.lanes + c;
  ${prologue}
  ${
    key.blocks
      ? 'let end = min((walker + 1u) * p.chunk, p.rows);\n  for (var row = walker * p.chunk; row < end; row++) {'
      : 'for (var row = walker; row < p.rows; row += p.walkers) {'
  }
    let at = base + row * p.lanes;
    ${step}
  }
}`;
    },
  });
}
