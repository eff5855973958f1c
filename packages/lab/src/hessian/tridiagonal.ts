/**
 * Eigenvalues of a symmetric tridiagonal matrix, descending, by counting signs of the Sturm sequence and halving (Golub & Van Loan,
 * Matrix Computations, 8.4). `diagonal` has n entries, `beside` n − 1. To about 1e-14 of the largest.
 */
export function tridiagonalEigenvalues(diagonal: readonly number[], beside: readonly number[]): number[] {
  const n = diagonal.length;
  // Gershgorin: all eigenvalues lie within.
  const radius = diagonal.map((_, i) => Math.abs(beside[i - 1] ?? 0) + Math.abs(beside[i] ?? 0));
  const low = Math.min(...diagonal.map((d, i) => d - (radius[i] as number)));
  const high = Math.max(...diagonal.map((d, i) => d + (radius[i] as number)));
  const tiny = Number.EPSILON * Math.max(Math.abs(low), Math.abs(high), Number.MIN_VALUE);
  /** How many eigenvalues are below x. */
  const below = (x: number): number => {
    let count = 0;
    let pivot = 1;
    for (let i = 0; i < n; i++) {
      const b = i === 0 ? 0 : (beside[i - 1] as number);
      pivot = (diagonal[i] as number) - x - (b * b) / pivot;
      if (pivot === 0) pivot = tiny;
      if (pivot < 0) count++;
    }
    return count;
  };
  return Array.from({ length: n }, (_, k) => {
    let [from, to] = [low - tiny, high + tiny];
    // The k-th largest has n − 1 − k below it.
    for (let halving = 0; halving < 200 && to - from > tiny; halving++) {
      const middle = from + (to - from) / 2;
      if (below(middle) > n - 1 - k) to = middle;
      else from = middle;
    }
    return from + (to - from) / 2;
  });
}
