import type { Target } from '../plan.js';
import { matrixUnit } from '../subgroup-matrix/unit.js';

/**
 * Planners of the kernels that only some adapters run, as a target has them (`Target.adapterKernels`). They come by an entry of their own
 * (`@initlab/kernels/adapter-kernels`): a page that is not meant for such adapters carries none of their text, and plans without.
 */
export class AdapterKernels {
  constructor(readonly planners: typeof import('./some-adapters.js')) {}
}

/** Whether a target is such an adapter's: a driver that runs on the CPU, or a GPU with matrix units. */
export const wantsAdapterKernels = (target: Target): boolean => target.software || matrixUnit(target) !== undefined;

/** The planners that a target has. */
export const adapterPlanners = ({ adapterKernels }: Target): AdapterKernels['planners'] | undefined =>
  adapterKernels instanceof AdapterKernels ? adapterKernels.planners : undefined;
