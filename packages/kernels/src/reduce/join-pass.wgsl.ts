import { entry } from '../kernel.js';
import { mathFunctions, mathUsedIn } from '../pointwise/math.wgsl.js';
import { runAhead } from '../run-ahead.js';
import { combine } from './combine.wgsl.js';
import type { ReduceKind } from './kind.js';

interface JoinPassText {
  readonly kind: ReduceKind;
  readonly vec: 1 | 4;
  /** Number of reduced values. */
  readonly results: number;
  /** Types of the results, multiplied by their scales; undefined where they are parts again. */
  readonly types: readonly string[] | undefined;
  /** See `loadsAhead`. */
  readonly ahead: number | undefined;
}

/** Part r of value k, element o, is `x[(k · count + r) · outputs + o]`; an invocation joins a run of parts. */
export function joinPassCode({ kind, vec, results, types, ahead }: JoinPassText): string {
  const reduction = combine(kind, vec);
  const store = types
    ? types.map(
        (type, k) => `${k > 0 ? 'else ' : ''}${types.length > 1 ? `if (k == ${k}u) ` : ''}{ y${k}[o] = ${type}(acc * p.scale${k}); }`,
      )
    : ['parts[i] = acc;'];
  const take = (value: string): string => reduction.take('acc', value);
  const part = (r: string): string => `x[(k * p.count + ${r}) * p.outputs + o]`;
  const run = runAhead(
    {
      ...{ counter: 'r', from: 'begin', to: 'end', step: '1u' },
      load: (r, here) => (here ? `select(${reduction.start}, ${part(r)}, ${here})` : part(r)),
      take,
    },
    ahead,
  );
  return `${mathFunctions(mathUsedIn(take('value')))}
${entry('i', `p.outputs * p.splits * ${results}u`)}
  let o = i % p.outputs; let s = i / p.outputs % p.splits; let k = i / p.outputs / p.splits;
  let begin = min(s * p.chunk, p.count); let end = min(begin + p.chunk, p.count);
  var acc = ${reduction.start};
  ${run}
  ${store.join('\n  ')}
}`;
}
