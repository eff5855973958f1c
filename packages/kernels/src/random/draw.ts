import { ceilDiv, entry, grid, planSingle, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { philoxWgsl } from './philox.js';

/** Uniform in [0, 1), or standard normal. */
export type Distribution = 'uniform' | 'normal';

/** Four values of a block's words; normals in pairs by Box and Muller, as float64 has it within 3e-6. */
const valuesOf: Readonly<Record<Distribution, string>> = {
  uniform: 'fn values(w: vec4u) -> vec4f { return vec4f(unit(w.x), unit(w.y), unit(w.z), unit(w.w)); }',
  normal: `${mathFunctions(['exact_log', 'sineOf'])}
// u quarter turns make whole ones exactly, and what is left is at most an eighth of a turn.
fn pair(first: u32, second: u32) -> vec2f {
  let radius = sqrt(-2.0 * exact_log(1.0 - unit(first)));
  let quarters = unit(second) * 4.0;
  let whole = round(quarters);
  let angle = (quarters - whole) * 1.57079633;
  return radius * vec2f(turned(i32(whole) + 1, angle), turned(i32(whole), angle));
}
fn values(w: vec4u) -> vec4f { return vec4f(pair(w.x, w.y), pair(w.z, w.w)); }`,
};

/**
 * Numbers of a generator: element i is made of word i of the sequence (uniform: its upper 24 bits), of normals each pair of
 * words makes two, radius and angle. Slots: numbers (u32: seed low, seed high, first block low, first block high, stream) →
 * y (f32).
 */
export function planDraw({ size, distribution }: { size: number; distribution: Distribution }, target: Target): Plan {
  const name = `draw-${distribution}`;
  if (size === 0) return { variant: name, temporaries: [], dispatches: [] };
  return planSingle(name, target, {
    family: 'draw',
    about: 'An invocation makes one block of the generator, four numbers. No barriers.',
    key: { distribution },
    bindings: [read('numbers', 'u32'), readWrite('y')],
    scalars: { size: u32(size) },
    workgroups: grid(ceilDiv(size, 4), target),
    code: ({ distribution }) => `
${philoxWgsl}
${valuesOf[distribution]}
${entry('i', '(p.size + 3u) / 4u')}
  let low = numbers[2] + i;
  let high = numbers[3] + select(0u, 1u, low < i);
  let drawn = values(philox(vec4u(low, high, numbers[4], 0u), vec2u(numbers[0], numbers[1])));
  let end = min(i * 4u + 4u, p.size);
  for (var at = i * 4u; at < end; at++) { y[at] = drawn[at % 4u]; }
}`,
  });
}
