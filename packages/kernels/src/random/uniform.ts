import { ceilDiv, entry, f32, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { philoxWgsl } from './philox.js';

/**
 * Uniform numbers in [low, high), whose least and greatest f32 are `least` and `most`, from the upper 24 bits of Philox words: element i is word i % 4 of the block (i / 4,
 * stream, step) under the seed. Slots: rng (u32: seed low, seed high, step low, step high) → y (f32).
 */
export function planUniform(
  problem: { size: number; stream: number; low: number; high: number; least: number; most: number },
  target: Target,
): Plan {
  const { size, stream, low, high, least, most } = problem;
  const blocks = ceilDiv(size, 4);
  return planSingle('uniform', target, {
    family: 'uniform',
    about: 'An invocation makes one block of the generator, four numbers. No barriers.',
    key: {},
    bindings: [read('rng', 'u32'), readWrite('y')],
    scalars: { ...u32s({ size, stream }), low: f32(low), width: f32(high - low), least: f32(least), most: f32(most) },
    workgroups: grid(blocks, target),
    code: () => `
${philoxWgsl}
${entry('i', '(p.size + 3u) / 4u')}
  let words = philox(vec4u(i, p.stream, rng[2], rng[3]), vec2u(rng[0], rng[1]));
  let end = min(i * 4u + 4u, p.size);
  // Rounding may give the upper bound, which is none of the numbers.
  for (var at = i * 4u; at < end; at++) { y[at] = clamp(p.low + p.width * unit(words[at % 4u]), p.least, p.most); }
}`,
  });
}
