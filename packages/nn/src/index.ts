export * from './init/index.js';
/** The initialisers under PyTorch's spelling: `init.kaimingNormal_`. */
export * as init from './init/index.js';
export * from './initializers/index.js';
export * from './layers/index.js';
export type { FixupBranch, FixupResidualBlock, ResidualBlock, ResidualBranch } from './layers/residual-branch.js';
export type { FullBackwardHook, FullBackwardPreHook } from './module/backward-pass.js';
export { deepCopy } from './module/deep-copy.js';
export { withForwardHook } from './module/forward-hook.js';
export type { ForwardHook, ForwardPreHook } from './module/hooks.js';
export { keepingState } from './module/keeping-state.js';
export { Module, type WalkOptions } from './module/module.js';
export { Parameter, type ParameterOptions, StateTensor, stateTensor } from './module/parameter.js';
export {
  type HookHandle,
  type HookOptions,
  registerForwardHook,
  registerForwardPreHook,
  registerFullBackwardHook,
  registerFullBackwardPreHook,
} from './module/register-hook.js';
export { withoutTrace } from './module/without-trace.js';
export * from './norm/index.js';
export * from './optim/index.js';
export * from './probe/index.js';
export { type ModelSummary, renderSummary, type SummaryRow, summary } from './probe/summary.js';
export * from './safetensors/index.js';
export {
  type LoadableTensor,
  loadStateDict,
  type RenamesOnLoad,
  readStateDict,
  type StateDictDifferences,
  StateDictError,
  type StateDictSource,
  saveStateDict,
} from './state-dict/state-dict.js';
