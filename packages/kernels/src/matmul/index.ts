export { planDirectMatmul } from './direct.wgsl.js';
export * from './planner.js';
export * from './shared/problem.js';
export { matmulTile } from './tiled.wgsl.js';
