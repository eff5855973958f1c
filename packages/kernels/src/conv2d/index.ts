export type { Epilogue } from './epilogue.js';
export { epilogueTakes } from './epilogue.js';
export { planDirect } from './direct.wgsl.js';
export { type GemmTile, gemmTiles } from './gemm-tile.js';
export * from './planner.js';
export * from './problem.js';
export { planSoftwareConv2d } from './software-planner.js';
export { type PackSegment, packTable, planPackAll, withPackedFilters } from './pack-all.wgsl.js';
export { type JoinSegment, joinTable, mostJoined, planJoinAll, withoutJoin } from './join-all.wgsl.js';
