export { planDirect } from './direct/direct.wgsl.js';
export type { Conv2dPlan, WeightParts } from './shared/conv2d-plan.js';
export type { Epilogue } from './shared/epilogue.js';
export { epilogueTakes } from './shared/epilogue.js';
export { epilogueTotals } from './shared/epilogue-totals.js';
export * from './shared/problem.js';
export { type JoinSegment, joinTable, mostJoined, planJoinAll, withoutJoin } from './step/join-all.wgsl.js';
export { type PackSegment, packTable, planPackAll, withPackedFilters } from './step/pack-all.wgsl.js';
export { windowTile } from './window/window.wgsl.js';
