import type { PointwiseChain } from '@initlab/kernels';

/** The same chain over a space that cuts some of its dimensions into several; undefined where that does not come out even. */
export function refineChain(chain: PointwiseChain, shape: readonly number[]): PointwiseChain | undefined {
  const cuts = cutsOf(chain.shape, shape);
  if (!cuts) return undefined;
  return {
    ...chain,
    shape,
    inputs: chain.inputs.map((input) => ({
      ...input,
      strides: input.strides.flatMap((stride, d) => cuts[d]?.map((step) => stride * step) ?? []),
    })),
  };
}

/** For each coarse dimension how many of its elements a step along each of its fine ones passes. */
function cutsOf(coarse: readonly number[], fine: readonly number[]): number[][] | undefined {
  const cuts: number[][] = [];
  const left = [...fine];
  for (const [after, size] of coarse.toReversed().entries()) {
    const before = coarse.length - after - 1;
    const steps: number[] = [];
    let step = 1;
    // A dimension of size 1 takes one fine one of size 1, if there is one.
    while (step < size || (left.at(-1) === 1 && left.length > before)) {
      const next = left.pop();
      if (next === undefined) return undefined;
      steps.unshift(step);
      step *= next;
    }
    if (step !== size) return undefined;
    cuts.unshift(steps);
  }
  return left.length === 0 ? cuts : undefined;
}
