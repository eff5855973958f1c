import { linearGroups, mainOf, planSingle, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { unrolled } from '../range.js';

const workgroupSize = 256;
/** Independent sums of an invocation, four wide: enough to hide the latency of one multiply-add. */
const chains = 8;

const list = (write: (i: number) => string): string => unrolled(chains, ' ', write);

/** Multiply-adds from registers and nothing else, `invocations` times: what the adapter can compute at most. Slot: y. */
export function planFmaProbe({ invocations, rounds }: { invocations: number; rounds: number }, target: Target): Plan {
  return planSingle('probe-fma', target, {
    family: 'probe-fma',
    about: 'Multiply-adds from registers and nothing else. No barriers.',
    key: {},
    bindings: [readWrite('y')],
    scalars: { rounds: u32(rounds) },
    // A driver that knew the number of rounds might do them at compile time.
    bake: 'passed',
    flops: invocations * rounds * chains * 4 * 2,
    workgroups: linearGroups(Math.ceil(invocations / workgroupSize), target),
    code: () => `
${mainOf(workgroupSize)}
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  let start = vec4f(f32(i) * 1e-9);
  ${list((c) => `var a${c} = start + vec4f(${c}.0);`)}
  for (var r = 0u; r < p.rounds; r++) {
    ${list((c) => `a${c} = fma(a${c}, vec4f(0.999), start);`)}
  }
  let sum = ${unrolled(chains, ' + ', (c) => `a${c}`)};
  if (i < arrayLength(&y)) { y[i] = sum.x + sum.y + sum.z + sum.w; }
}`,
  });
}
