export { planDirectMatmul } from './direct.wgsl.js';
export * from './planner.js';
export * from './shared/problem.js';
