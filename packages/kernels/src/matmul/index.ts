export { planDirectMatmul } from './direct.wgsl.js';
export * from './planner.js';
export * from './problem.js';
