import { halving } from '../halving.wgsl.js';
import { type BindingSpec, dispatch, entry, grid, read, type Scalars, u32s } from '../kernel.js';
import type { Dispatch, Target } from '../plan.js';
import { loadsAhead, runAhead } from '../run-ahead.js';

/** Sums pairs [outer, count, inner] over the middle. The code sees `o` (of outer × inner), `k` (of count), `total`. */
export interface Totals {
  readonly what: TotalsKey['what'];
  readonly affine?: boolean;
  readonly fixed?: boolean;
  readonly from: string;
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
  readonly bindings: readonly BindingSpec[];
  readonly scalars?: Scalars;
}

/** What the code depends on: what is summed for what, by one invocation each or by a workgroup. */
interface TotalsKey {
  readonly what: 'channels' | 'parts' | 'parameters' | 'groups';
  readonly affine: boolean;
  /** Statistics are constants. */
  readonly fixed: boolean;
  readonly serial: boolean;
  /** See `loadsAhead`. */
  readonly ahead: number | undefined;
}

const storeParameters = 'dbias[o] = total.x; dweight[o] = total.y;';

/** Where a sum goes. */
const storeOf: Readonly<Record<TotalsKey['what'], (key: TotalsKey) => string>> = {
  channels: ({ affine, fixed }) => `${affine ? storeParameters : ''}
  ${fixed ? '' : `groupSums[o] = total * (p.scale${affine ? ' * weight[o]' : ''});`}`,
  parts: () => 'channelSums[o] = total;',
  parameters: () => storeParameters,
  groups: () => 'groupSums[o] = total * p.scale;',
};

/** A thread a sum where there are few terms or the driver is a CPU, else a workgroup of 64 with a tree; in fixed order. */
export function totals(sum: Totals, target: Target): Dispatch {
  const { what, outer, count, inner, affine = false, fixed = false } = sum;
  const serial = target.software || count <= 32;
  return dispatch(target, {
    family: 'norm-grad-totals',
    about: `Adds pairs of sums over count: pairs lie [outer][count][inner]. Where terms are few (serial) an invocation owns a total, else a workgroup of 64
whose invocations take every 64th term, and a tree joins them. Barriers: what is joined at a level was written before it.`,
    key: { what, affine, fixed, serial, ahead: loadsAhead(target, serial ? count : count / 64) },
    bindings: [read('pairs', 'vec2<f32>'), ...sum.bindings],
    slots: { pairs: sum.from },
    // Layers of different shapes share what a CPU driver compiles for a tenth of a second and more.
    bake: 'shared',
    scalars: { ...u32s({ sums: outer * inner, count, inner }), ...sum.scalars },
    workgroups: grid(outer * inner, target, { together: !serial }),
    code: (key) => {
      const { what, affine, serial, ahead } = key;
      const threads = serial ? 1 : 64;
      // A group's sum is of its channels, each times its weight.
      const factor = (k: string): string => (what === 'groups' && affine ? ` * weight[(o % p.groups) * p.count + ${k}]` : '');
      const pair = (k: string): string => `pairs[base + ${k} * p.inner]${factor(k)}`;
      const run = runAhead(
        {
          ...{ counter: 'k', from: serial ? '0u' : 'lane', to: 'p.count', step: `${threads}u` },
          load: (k, here) => (here ? `select(vec2f(), ${pair(k)}, ${here})` : pair(k)),
          take: (value) => `total += ${value};`,
        },
        ahead,
      );
      return `
${serial ? '' : `var<workgroup> shares: array<vec2f, ${threads}>;`}

${entry('o', 'p.sums', { together: !serial })}
  let base = (o / p.inner) * p.count * p.inner + o % p.inner;
  var total = vec2f();
  ${run}
  ${
    serial
      ? ''
      : `shares[lane] = total;
  ${halving({ half: `${threads / 2}u`, what: 'share', join: 'shares[lane] += shares[lane + step];' })}
  if (lane != 0u) { return; }
  total = shares[0];`
  }
  ${storeOf[what](key)}
}`;
    },
  });
}
