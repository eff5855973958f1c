import { type Device, openDevice } from '@initlab/core';
import { openTunedDevice } from '../tune/index.js';

/** What a step is planned for: the adapter of this machine, or a GPU that need not be there. */
export type PlannedFor = 'here' | 'h100' | 'browser';
export const plannedFor: readonly PlannedFor[] = ['here', 'h100', 'browser'];

/** What Dawn says an H100 has (Vulkan, NVIDIA's driver), with its f16 and matrix units switched on as `openDevice` does. */
const h100 = {
  adapter: 'NVIDIA H100, planned without one',
  software: false,
  f16: true,
  subgroups: true,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrix: [{ m: 16, n: 16, k: 16, componentType: 'f16', resultComponentType: 'f32' }],
  maxWorkgroupStorage: 49152,
  maxInvocations: 1024,
  maxStorageBuffers: 16,
  maxStorageBinding: 2 ** 31 - 4,
};

/** A GPU of which nothing is known but what WebGPU promises: what the kernels of any browser's page must do with. */
const browser = {
  adapter: 'a GPU with WebGPU’s default limits, planned without one',
  software: false,
  f16: true,
  subgroups: false,
  immediates: false,
  subgroupMatrix: [],
  maxWorkgroupStorage: 16384,
  maxInvocations: 256,
  maxStorageBuffers: 8,
  maxStorageBinding: 2 ** 27,
};

/**
 * A device to plan with. For a GPU that is not there it is Dawn's null backend, which allocates but runs nothing: planners
 * are pure functions and see the GPU's limits, so the plan is what the GPU would run. Problems that have a `variant` of this name take it.
 */
export function openPlannedDevice(target: PlannedFor, variant?: string): Promise<Device> {
  const wanted = variant === undefined ? {} : { variant };
  if (target === 'here') return openTunedDevice({ target: wanted });
  return openDevice({ dawnOptions: ['backend=null'], target: { ...(target === 'h100' ? h100 : browser), ...wanted } });
}

/** Rates no dispatch beats; flops of products on matrix units apart. */
export interface Roofline {
  /** Microseconds of a dispatch that depends on the one before, however small. */
  readonly dispatchUs: number;
  readonly gigabytesPerSecond: number;
  readonly gigaflops: number;
  readonly matrixGigaflops: number;
}

/**
 * H100: dependent tiny dispatches and a copy as measured through Dawn; nine tenths of the data sheet's f32 rate and of its
 * dense f16 rate on matrix units. Unknown elsewhere without measuring.
 */
export const rooflines: Readonly<Partial<Record<PlannedFor, Roofline>>> = {
  h100: { dispatchUs: 2.1, gigabytesPerSecond: 3000, gigaflops: 60_000, matrixGigaflops: 890_000 },
};
