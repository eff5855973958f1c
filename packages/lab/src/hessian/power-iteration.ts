/** H · v. */
export type Product = (v: Float64Array, iteration: number) => Promise<Float64Array>;

export interface PowerIterationOptions {
  readonly start: Float64Array;
  readonly iterations: number;
  readonly onIteration?: (iteration: number, value: number) => void;
}

/**
 * The eigenvalue of largest magnitude as the program of arXiv:1906.02341 has it: v becomes H · v divided by its signed entry of
 * largest magnitude, and that entry is the estimate. Returns the estimate of each iteration.
 */
export async function powerIteration(product: Product, { start, iterations, onIteration }: PowerIterationOptions): Promise<number[]> {
  const values: number[] = [];
  let v = start;
  for (let iteration = 1; iteration <= iterations; iteration++) {
    v = await product(v, iteration);
    // NaN, where there is one: no comparison is true of it.
    const value = v.reduce((most, x) => (Number.isNaN(most) || Math.abs(x) <= Math.abs(most) ? most : x), 0);
    values.push(value);
    onIteration?.(iteration, value);
    // Of a Hessian of zeros, or where a product is not finite, there is nothing to go on with.
    if (value === 0 || !Number.isFinite(value)) break;
    v = v.map((x) => x / value);
  }
  return values;
}
