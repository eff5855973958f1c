/** What `AdapterKernels` holds: for drivers that run on the CPU, and for matrix units. */
export { matrixMakers } from '../conv2d/matrix/makers.js';
export { planSoftwareConv2d } from '../conv2d/software/planner.js';
export { matrixMatmuls } from '../matmul/matrix.wgsl.js';
export { planSoftwareMatmul } from '../matmul/software/product.wgsl.js';
