/** The part of jstat that is used here; the package has no types of its own. */
declare module 'jstat' {
  const jstat: {
    readonly studentt: {
      /** P(T ≤ x) of Student's distribution. */
      cdf(x: number, degrees: number): number;
      /** The quantile of `p`. */
      inv(p: number, degrees: number): number;
    };
  };
  export = jstat;
}
