export { planDirectMatmul } from './direct.wgsl.js';
export * from './shared/problem.js';
