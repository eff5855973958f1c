export type { Epilogue } from './epilogue.js';
export { epilogueTakes } from './epilogue.js';
export { planDirect } from './direct.wgsl.js';
export { type GemmTile, gemmTiles } from './gemm-tile.js';
export * from './planner.js';
export * from './problem.js';
export { planSoftwareConv2d } from './software-planner.js';
