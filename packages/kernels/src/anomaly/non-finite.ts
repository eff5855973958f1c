import { planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';

export interface NonFiniteProblem {
  /** Elements looked at. */
  readonly size: number;
  readonly dtype: 'f32' | 'f16';
  /** Which flag to set: bit 0 of `flags[index]` for a NaN, bit 1 for an infinity. */
  readonly index: number;
}

/** Looks for NaN and infinities by their bits. Slots: x, flags (u32, read-write). One workgroup: this is a debugging aid. */
export function planNonFinite(problem: NonFiniteProblem, target: Target): Plan {
  const half = problem.dtype === 'f16';
  // f16 comes in pairs; the padding after an odd count is never set to NaN by a kernel that stays in its range.
  const words = half ? Math.ceil(problem.size / 2) : problem.size;
  return planSingle(`non-finite-${problem.dtype}`, target, {
    family: 'non-finite',
    about: 'x as words (two halves each where it is f16). One workgroup: an invocation looks at every 64th word. No barriers.',
    key: { half },
    bindings: [read('x', 'u32'), readWrite('flags', 'atomic<u32>')],
    scalars: u32s({ words, index: problem.index }),
    workgroups: [1, 1, 1],
    code: ({ half }) => `
const infinity = ${half ? '0x7c00u' : '0x7f800000u'};
fn classify(bits: u32) -> u32 { return select(select(0u, 2u, bits == infinity), 1u, bits > infinity); }

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var found = 0u;
  for (var i = lane; i < p.words; i += 64u) {
    let word = x[i];
    ${half ? 'found |= classify(word & 0x7fffu) | classify((word >> 16u) & 0x7fffu);' : 'found |= classify(word & 0x7fffffffu);'}
  }
  if (found != 0u) { atomicOr(&flags[p.index], found); }
}`,
  });
}
