/** For drivers that run on the CPU and for matrix units; no other browser fetches them. */
export const adapterKernels = (): Promise<typeof import('@initlab/core/adapter-kernels')> => import('@initlab/core/adapter-kernels');
