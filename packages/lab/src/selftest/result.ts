/** A value to compare, with its name in the reference file. */
export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Outcome of one case in one mode; no failures means it passed. */
export interface CaseResult {
  readonly name: string;
  readonly mode: 'eager' | 'compiled';
  readonly failures: readonly string[];
}
