/** Normalisation in float64, straight from the definition. Data lies [segments, rows, channels]. */
export interface ReferenceProblem {
  readonly segments: number;
  readonly rows: number;
  readonly channels: number;
  readonly groups: number;
  readonly eps: number;
  readonly activation?: 'relu' | 'relu6' | undefined;
}

export interface ReferenceInputs {
  readonly x: ArrayLike<number>;
  readonly weight?: ArrayLike<number> | undefined;
  readonly bias?: ArrayLike<number> | undefined;
  readonly residual?: ArrayLike<number> | undefined;
  readonly dy: ArrayLike<number>;
  /** Given statistics (evaluation) instead of the data's own. */
  readonly fixed?: { readonly mean: ArrayLike<number>; readonly rstd: ArrayLike<number> } | undefined;
}

export type ReferenceResult = Record<'mean' | 'variance' | 'rstd' | 'y' | 'dx' | 'dweight' | 'dbias' | 'dresidual', Float64Array>;

export function referenceNorm(problem: ReferenceProblem, inputs: ReferenceInputs): ReferenceResult {
  const { segments, rows, channels, groups, eps, activation } = problem;
  const width = channels / groups;
  const count = rows * width;
  const size = segments * rows * channels;
  const groupOf = (i: number): number => Math.floor(i / (rows * channels)) * groups + Math.floor((i % channels) / width);
  const at = (a: ArrayLike<number>, i: number): number => a[i] as number;
  const add = (a: Float64Array, i: number, v: number): void => {
    a[i] = at(a, i) + v;
  };
  const zeros = (n: number): Float64Array => new Float64Array(n);
  const { x, weight, bias, residual, dy, fixed } = inputs;
  let mean = zeros(segments * groups);
  const variance = zeros(segments * groups);
  for (let i = 0; i < size; i++) add(mean, groupOf(i), at(x, i) / count);
  for (let i = 0; i < size; i++) add(variance, groupOf(i), (at(x, i) - at(mean, groupOf(i))) ** 2 / count);
  let rstd = variance.map((v) => 1 / Math.sqrt(v + eps));
  if (fixed) [mean, rstd] = [Float64Array.from(fixed.mean), Float64Array.from(fixed.rstd)];

  const y = zeros(size);
  const dresidual = zeros(size);
  const [dweight, dbias] = [zeros(channels), zeros(channels)];
  const [sumG, sumGx] = [zeros(segments * groups), zeros(segments * groups)];
  const normalised = (i: number): number => (at(x, i) - at(mean, groupOf(i))) * at(rstd, groupOf(i));
  const weightOf = (i: number): number => (weight ? at(weight, i % channels) : 1);
  for (let i = 0; i < size; i++) {
    const before = normalised(i) * weightOf(i) + (bias ? at(bias, i % channels) : 0) + (residual ? at(residual, i) : 0);
    const top = activation === 'relu6' ? 6 : Number.POSITIVE_INFINITY;
    y[i] = activation ? Math.min(Math.max(before, 0), top) : before;
    const g = !activation || (before > 0 && before < top) ? at(dy, i) : 0;
    dresidual[i] = g;
    add(dbias, i % channels, g);
    add(dweight, i % channels, g * normalised(i));
    add(sumG, groupOf(i), (g * weightOf(i)) / count);
    add(sumGx, groupOf(i), (g * weightOf(i) * normalised(i)) / count);
  }
  const dx = dresidual.map((g, i) => {
    const own = g * weightOf(i);
    return at(rstd, groupOf(i)) * (fixed ? own : own - at(sumG, groupOf(i)) - normalised(i) * at(sumGx, groupOf(i)));
  });
  return { mean, variance, rstd, y, dx, dweight, dbias, dresidual };
}
