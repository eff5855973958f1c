import type { PointwiseChain } from '@initlab/kernels';

/** The same chain over a space that cuts some of its dimensions into several; undefined where that does not come out even. */
export function refineChain(chain: PointwiseChain, shape: readonly number[]): PointwiseChain | undefined {
  const cuts = cutsOf(chain.shape, shape);
  if (!cuts) return undefined;
  return {
    ...chain,
    shape,
    inputs: chain.inputs.map((input) => ({ ...input, strides: cuts.map(({ from, step }) => (input.strides[from] as number) * step) })),
  };
}

/** For each fine dimension the coarse one it is part of, and how many of that one's elements a step passes. */
function cutsOf(coarse: readonly number[], fine: readonly number[]): { from: number; step: number }[] | undefined {
  const cuts: { from: number; step: number }[] = [];
  let f = fine.length - 1;
  for (let c = coarse.length - 1; c >= 0; c--) {
    const size = coarse[c] as number;
    let step = 1;
    // A dimension of size 1 takes one fine one of size 1, if there is one.
    while (f >= 0 && (step < size || (fine[f] === 1 && f >= c))) {
      cuts.unshift({ from: c, step });
      step *= fine[f] as number;
      f--;
    }
    if (step !== size) return undefined;
  }
  return f < 0 ? cuts : undefined;
}
