/** The parity bound of operations: |got − expected| ≤ absolute + relative · max|expected| (test/parity/README.md). */
export interface Bound {
  readonly absolute: number;
  readonly relative: number;
}
export const parityBound: Bound = { absolute: 1e-6, relative: 1e-4 };

/** What differs the most, or an empty string when all is within the bound. NaN agrees with NaN only. */
export function differs(
  label: string,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute, relative }: Bound = parityBound,
): string {
  if (got.length !== expected.length) return `${label}: ${got.length} values instead of ${expected.length}`;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i] as number));
  const bound = absolute + relative * largest;
  let worst = '';
  let ratio = 1;
  for (let i = 0; i < expected.length; i++) {
    const [g, e] = [got[i] as number, expected[i] as number];
    if (Object.is(g, e) || g === e) continue;
    const error = Math.abs(g - e);
    const now = Number.isFinite(error) ? error / bound : Number.POSITIVE_INFINITY;
    if (now <= ratio) continue;
    ratio = now;
    worst = `${label}[${i}]: got ${g}, expected ${e}, ${now.toPrecision(3)} times the bound`;
  }
  return worst;
}
