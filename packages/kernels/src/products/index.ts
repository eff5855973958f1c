export { AdapterKernels, wantsAdapterKernels } from './adapter-kernels.js';
export * from './conv2d.js';
export { epilogueTunable, tunableOf } from './epilogue-reference.js';
export * from './matmul.js';
