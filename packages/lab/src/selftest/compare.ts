/** Bound of an operation: |got − expected| ≤ absolute + relative · max|expected|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

export interface Mismatch {
  /** Largest error over its bound (1 is just allowed). */
  readonly ratio: number;
  readonly error: number;
  readonly at: number;
  readonly got: number;
  readonly expected: number;
}

/** The worst element when the bound is broken; `undefined` when all is well. A NaN where none is expected is the worst. */
export function compare(got: ArrayLike<number>, expected: ArrayLike<number>, { absolute, relative }: Tolerance): Mismatch | undefined {
  if (got.length !== expected.length)
    return { ratio: Number.POSITIVE_INFINITY, error: Number.NaN, at: -1, got: got.length, expected: expected.length };
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i] as number));
  const bound = absolute + relative * largest;
  let worst: Mismatch | undefined;
  for (let i = 0; i < expected.length; i++) {
    const [g, e] = [got[i] as number, expected[i] as number];
    if (g === e || (Number.isNaN(g) && Number.isNaN(e))) continue;
    const error = Math.abs(g - e);
    const ratio = Number.isFinite(error) ? error / bound : Number.POSITIVE_INFINITY;
    if (ratio > 1 && ratio > (worst?.ratio ?? 0)) worst = { ratio, error, at: i, got: g, expected: e };
  }
  return worst;
}

/** A position in a tensor as people write it. */
export function showIndex(flat: number, shape: readonly number[]): string {
  const index: number[] = [];
  for (let d = shape.length - 1, rest = flat; d >= 0; d--) {
    const size = shape[d] as number;
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${index.join(', ')}]`;
}
