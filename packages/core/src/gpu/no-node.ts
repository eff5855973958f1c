import type { AdapterKernels } from '@initlab/kernels';

/** What fetches the kernels that only some adapters run. */
export type AdapterKernelsSource = () => Promise<AdapterKernels['planners']>;

/** What Node's process, and drivers within it, want beside what a browser does by itself. */
export interface NodeHost {
  /** Whether the process has room for the bytes of buffers. */
  addressRoom(adapter: string): AddressRoom;
  /** Throws where a step's bind groups would end the process. */
  checkBindGroupRoom(adapter: string, dispatches: number): void;
  /** Destroys a device when the process ends; returns what takes it off that list. */
  destroyAtExit(device: Ending): () => void;
  /** Waits for a promise of the GPU with the processor at rest. */
  restUntil<T>(promise: Promise<T>): Promise<T>;
  /** GPU memory was allocated, or given back, outside every scope. */
  tookLoose(bytes: number): void;
  gaveLoose(bytes: number): void;
  /** Kernels that only some adapters run, where nobody gave them to `openDevice`. */
  readonly adapterKernels?: AdapterKernelsSource;
  /** Asks for a collection at the next turn of the event loop. */
  collectSoon(): void;
}

/** Room in the address space for bytes more, beside `held` bytes of buffers. */
export interface AddressRoom {
  has(bytes: number, held: number): boolean;
  /** As `has`, where buffers were destroyed just now; `call` calls the driver, which unmaps them. */
  hasSoon(bytes: number, held: number, call: () => void): boolean;
}

/** What is done with a device when Node's process ends. */
export interface Ending {
  /** Says what nobody was told. */
  warn(): void;
  destroy(): void;
}

const nothing = (): void => undefined;
const yes = (): boolean => true;

/** In a browser: its drivers live in another process, and it offers no collector. */
export const nodeHost: NodeHost = {
  addressRoom: () => ({ has: yes, hasSoon: yes }),
  checkBindGroupRoom: nothing,
  destroyAtExit: () => nothing,
  restUntil: (promise) => promise,
  tookLoose: nothing,
  gaveLoose: nothing,
  collectSoon: nothing,
};
