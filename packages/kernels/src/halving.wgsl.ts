interface Halving {
  /** Expression of half the places, a power of two. */
  readonly half: string;
  /** What a place holds, in a word. */
  readonly what: string;
  /** Which of them an invocation has. */
  readonly place?: string;
  /** Statement that takes what lies `step` places further to one's own. */
  readonly join: string;
}

/** WGSL: a workgroup's places joined in a tree of fixed order, into the first; what is there is for its own invocation to read until a barrier. */
export const halving = ({ half, what, place = 'lane', join }: Halving): string => `for (var step = ${half}; step > 0u; step /= 2u) {
    // Everyone's ${what} is written before its neighbour reads it.
    workgroupBarrier();
    if (${place} < step) { ${join} }
  }`;
