export { type ForwardHook, withForwardHook } from './forward-hook.js';
export * from './init/index.js';
/** The initialisers under PyTorch's spelling: `init.kaimingNormal_`. */
export * as init from './init/index.js';
export * from './init/strategies/index.js';
export * from './layers/index.js';
export { Module, type WalkOptions } from './module.js';
export * from './norm/index.js';
export * from './optim/index.js';
export { Parameter, type ParameterOptions, StateTensor, stateTensor } from './parameter.js';
export * from './probe/index.js';
export type { FixupBranch, FixupResidualBlock, ResidualBlock, ResidualBranch } from './residual-branch.js';
export * from './safetensors/index.js';
export {
  type LoadableTensor,
  loadStateDict,
  readStateDict,
  saveStateDict,
  type StateDictDifferences,
  StateDictError,
  type StateDictSource,
} from './state-dict.js';
export { keepingState } from './keeping-state.js';
export { type ModelSummary, renderSummary, type SummaryRow, summary } from './summary.js';
export { withoutTrace } from './without-trace.js';
