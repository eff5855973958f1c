export * from './dump-kernels.js';
export * from './plan-step.js';
export * from './planned-device.js';
