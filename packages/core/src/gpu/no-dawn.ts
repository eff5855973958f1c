import { DeviceError } from '../checks/errors.js';
import type { AdapterName } from './adapter-names.js';

export interface FindGpuOptions {
  /** Extra Dawn options (`backend=null`, `adapter=…`); Node only. */
  readonly dawnOptions?: readonly string[];
  /**
   * Which GPU of several, by a part of its name (`listAdapters`); Node only. Default: the environment's `INITLAB_ADAPTER`, or
   * else what the driver prefers.
   */
  readonly adapter?: string | undefined;
}

/** Where there is no Dawn: a browser without WebGPU of its own. */
export const noDawnAdapterAdvice = (): string =>
  'This browser has no WebGPU. Use a current Chrome or Edge, Safari 26 or Firefox 141, on https or localhost.';

/**
 * As there is no Dawn.
 * @internal
 */
export const findDawn = (_options: FindGpuOptions): Promise<GPU> => Promise.reject(new DeviceError(noDawnAdapterAdvice()));

/** A browser names no adapters. */
export const dawnAdapters = (): Promise<AdapterName[]> => Promise.resolve([]);
