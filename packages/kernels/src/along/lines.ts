/** One dimension of a dense tensor as its memory has it: `outer` blocks of `length` slices of `inner` neighbours. */
export interface Lines {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}
