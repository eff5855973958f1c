import { abs, cat, mean, narrow, noGrad, reshape, sum, type Tensor } from '@initlab/core';
import { affineNorms, keepingState, type Module, type ProbedLayer, probeLayers, readProbes, weightLayers } from '@initlab/nn';
import type { Look } from '../messages.js';

/** Filters that are shown. */
const mostFilters = 16;
/** Of the images that the nets see. */
const inputChannels = 3;

/** What the numbers of a look belong to. */
export interface LookPlan {
  readonly layers: readonly ProbedLayer[];
  readonly probed: number;
  readonly gammas: number;
  readonly filters: { readonly count: number; readonly size: number };
}

/** Looks inside a net as the next step will see it; one vector holds all, so that one read brings it. Works inside `compile`. */
export function lookInside(model: Module, loss: () => Tensor): { readonly plan: LookPlan; readonly numbers: Tensor } {
  const { layers, numbers } = keepingState(model, () => probeLayers(model, loss));
  return noGrad(() => {
    const factors = affineNorms(model).map(({ weight }) => reshape(mean(abs(weight)), [1]));
    const filters = firstFilters(model);
    const [count, pixels] = filters.shape as [number, number];
    return {
      plan: { layers, probed: numbers.size, gammas: factors.length, filters: { count, size: Math.sqrt(pixels) } },
      numbers: cat([reshape(numbers, [numbers.size]), ...factors, reshape(filters, [filters.size])]),
    };
  });
}

/** Of the first layer, [count, pixels]: its inputs are three times the same grey image, so that their weights add. */
function firstFilters(model: Module): Tensor {
  const weight = weightLayers(model)[0]!.effectiveWeight().detach();
  const units = weight.shape[0] as number;
  const count = Math.min(mostFilters, units);
  const pixels = weight.size / units / inputChannels;
  const some = narrow(reshape(weight, [units, inputChannels, pixels]), { dim: 0, start: 0, length: count });
  return sum(some, { dims: [1] });
}

/** What a look's numbers say. */
export function readLook({ layers, probed, gammas, filters }: LookPlan, numbers: ArrayLike<number>, step: number): Look {
  const all = Float32Array.from(numbers);
  return {
    step,
    layers: readProbes(layers, all.subarray(0, probed)).map(({ name, deviation, gradientNorm, dead }) => ({
      ...{ name, deviation, gradientNorm, dead },
    })),
    gammas: [...all.subarray(probed, probed + gammas)],
    filters: { ...filters, values: all.slice(probed + gammas) },
  };
}
