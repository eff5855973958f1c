import type { Capability, Target } from '../plan.js';

/** The matrix unit used: a left m × k times a right k × n of f16, added in f32 by one subgroup. */
export interface MatrixUnit {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroupSize: number;
  /** Workgroup memory is declared as what matrices hold (see `Target.typedMatrixMemory`). */
  readonly typed: boolean;
}

/**
 * The unit kernels use on a target, undefined where it has none. The subgroup size must be known beforehand, since a
 * workgroup is a whole number of subgroups that each own a part of its tile. Square units are preferred: they load and
 * store the fewest elements a product.
 */
export function matrixUnit(target: Target): MatrixUnit | undefined {
  const { f16, subgroups, subgroupMinSize, subgroupMaxSize } = target;
  if (!f16 || !subgroups || subgroupMinSize !== subgroupMaxSize) return undefined;
  const usable = target.subgroupMatrix.filter(
    ({ m, n, k, componentType, resultComponentType }) =>
      // Tiles lie in workgroup memory in vectors of eight halves and are multiples of 16 each way.
      componentType === 'f16' && resultComponentType === 'f32' && [m, n, k].every((side) => side === 8 || side === 16),
  );
  const [best] = usable.sort((a, b) => b.m * b.n * b.k - a.m * a.n * a.k);
  return best && { m: best.m, n: best.n, k: best.k, subgroupSize: subgroupMaxSize, typed: target.typedMatrixMemory === true };
}

export const matrixUses: readonly Capability[] = ['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'];
