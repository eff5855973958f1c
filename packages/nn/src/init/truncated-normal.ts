import type { Generator } from '@initlab/core';

/**
 * A standard normal number known to lie in [low, high], low < high, by rejection. Drawing plain normals until one fits would
 * never end for bounds far out, so there the proposals are uniform, or exponential along the tail (Robert 1995).
 */
export function truncatedNormal(low: number, high: number, generator: Generator): number {
  const narrow = high - low <= Math.sqrt(2 * Math.PI);
  // What lies mostly on the left is drawn as its mirror image on the right.
  if (high < -0.5 || (narrow && low < 0 && -low > high)) return -truncatedNormal(-high, -low, generator);
  if (low < 0.5) return (narrow ? fromUniforms : fromNormals)(low, high, generator);
  const root = Math.sqrt(low * low + 4);
  // Beyond this width the exponential proposals are accepted more often.
  const width = ((2 * Math.sqrt(Math.E)) / (low + root)) * Math.exp((low * low - low * root) / 4);
  return high - low > width ? fromExponentials(low, high, generator) : fromUniforms(low, high, generator);
}

function fromNormals(low: number, high: number, generator: Generator): number {
  for (;;) {
    const z = generator.normal();
    if (z >= low && z <= high) return z;
  }
}

function fromUniforms(low: number, high: number, generator: Generator): number {
  const nearest = Math.max(low, 0);
  for (;;) {
    const z = low + (high - low) * generator.uniform();
    if (generator.uniform() <= Math.exp((nearest * nearest - z * z) / 2)) return z;
  }
}

function fromExponentials(low: number, high: number, generator: Generator): number {
  const rate = (low + Math.sqrt(low * low + 4)) / 2;
  for (;;) {
    const z = low - Math.log(1 - generator.uniform()) / rate;
    if (z <= high && generator.uniform() <= Math.exp(-((z - rate) ** 2) / 2)) return z;
  }
}
