// The declarations name Symbol.dispose, which lies in no lib that is there by default.
/// <reference lib="esnext.disposable" preserve="true" />
export type { DType, MemoryFormat, Plan, Tunable } from '@initlab/kernels';
export { autocast, autocasting } from './autocast.js';
export { type BackwardOptions, backward, grad } from './backward.js';
export type { DispatchFacts, TunableNode } from './compile/compiled-graph.js';
export { type CompiledStats, type CompiledStep, type CompileOptions, compile, type StepInput } from './compile/compile.js';
export { type RewriteName, rewriteNames } from './compile/rewrites/index.js';
export { detectAnomaly } from './anomaly.js';
export { checkOptions, showValue } from './check-options.js';
export * from './create.js';
export * from './errors.js';
export { Device, type DeviceOptions, defaultDevice, openDevice, setDefaultDevice } from './gpu/device.js';
export { FlatParameters } from './flat.js';
export { noAdapterAdvice } from './gpu/find-gpu.js';
export type { ProfileRow } from './gpu/profiler.js';
export { fromHalf, toHalf } from './host-data.js';
export { unknownName } from './nearest.js';
export * from './op.js';
export * from './random/generator.js';
export { guard } from './guard.js';
export { currentRecorder, onEachStep } from './recorder.js';
export { keep, Scope, scope } from './scope.js';
export * from './ops/index.js';
export * from './spec.js';
export { gradEnabled, noGrad, withGrad } from './tape.js';
export { type GradHook, Tensor } from './tensor.js';
export { tensorMethods } from './tensor-methods.js';
