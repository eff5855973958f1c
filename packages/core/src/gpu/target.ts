import { AdapterKernels, type Caps, type Target, type TunedTable, tunedTables, wantsAdapterKernels } from '@initlab/kernels';
import { DeviceError } from '../checks/errors.js';
import type { AdapterKernelsSource } from './no-node.js';
import { nodeHost } from './node.js';

/** Options of `openDevice` that say how it is planned for the adapter. */
export interface TargetOptions {
  /** Kernel variants measured on an adapter, by problem (what `initlab tune` finds), on top of the table shipped for it. */
  readonly tuned?: TunedTable | ((adapter: string) => Promise<TunedTable>);
  /**
   * Kernels for drivers that run on the CPU and for matrix units, fetched where the adapter is one of those: in a page
   * `() => import('@initlab/core/adapter-kernels')`, without which it runs the kernels of any other GPU. In Node they are always there.
   */
  readonly adapterKernels?: AdapterKernelsSource;
  /** Changes to what planners are told (tests: `immediates: false`, `reference: true`). */
  readonly target?: Partial<Target>;
}

/**
 * What planners of eager ops are told of an adapter.
 * @internal
 */
export async function targetOf(caps: Caps, options: TargetOptions): Promise<Target> {
  const own = typeof options.tuned === 'function' ? await options.tuned(caps.adapter) : options.tuned;
  const tuned = new Map(Object.entries({ ...tunedTables[caps.adapter], ...own }));
  const target = { ...caps, bake: false, tuned, ...options.target };
  const { adapterKernels = nodeHost.adapterKernels } = options;
  if (adapterKernels !== undefined && typeof adapterKernels !== 'function') throw new DeviceError(`openDevice: adapterKernels ${asked}`);
  if (!wantsAdapterKernels(target)) return target;
  if (!adapterKernels) {
    if (target.software)
      console.warn(
        `openDevice: ${caps.adapter} runs on the CPU, where kernels of its kind are several times as fast. adapterKernels ${asked}`,
      );
    return target;
  }
  const planners = await adapterKernels();
  if (typeof planners?.planSoftwareConv2d !== 'function')
    throw new DeviceError(`openDevice: what adapterKernels fetched are not they; it ${asked}`);
  return { ...target, adapterKernels: new AdapterKernels(planners) };
}

const asked = "is a function that fetches them: () => import('@initlab/core/adapter-kernels')";
