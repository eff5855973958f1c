// The declarations name Symbol.dispose, which lies in no lib that is there by default.
/// <reference lib="esnext.disposable" preserve="true" />
export type { DType, MemoryFormat } from '@initlab/kernels';
export { detectAnomaly } from './autograd/anomaly.js';
export { type BackwardOptions, backward, grad } from './autograd/backward.js';
export type { Pair } from './checks/check-arguments.js';
export type { InterpolateOptions } from './checks/check-interpolation.js';
export { AnomalyError, DeviceError, InitlabError, OpError, OutOfMemoryError } from './checks/errors.js';
export { type CompiledStep, compile } from './compile/compile.js';
export type { CompileOptions } from './compile/compile-options.js';
export type { CompiledStats } from './compile/compiled-function.js';
export type { StepInput } from './compile/feeds.js';
export { type RewriteName, rewriteNames } from './compile/rewrites/index.js';
export type { AdapterName } from './gpu/adapter-names.js';
export { Device, type DeviceOptions, defaultDevice, openDevice, setDefaultDevice } from './gpu/device.js';
export { listAdapters } from './gpu/find-gpu.js';
export type { ProfileRow } from './gpu/profiler.js';
// Where nothing is bundled, this puts all methods on tensors; bundlers leave it out with the name.
export { tensorMethods } from './methods/tensor-methods.js';
export { autocast, autocasting } from './op/autocast.js';
export { type Observed, watchOps } from './op/observe.js';
export {
  apply,
  applyOne,
  type BackwardContext,
  type BackwardRule,
  defineOp,
  type FormatWish,
  type Named,
  type Op,
  type OpDef,
  type PlanContext,
  type SlotList,
  type SlotName,
  type Slots,
  type SomeSlots,
  type SpecContext,
} from './op/op.js';
export { gradEnabled, noGrad, withGrad } from './op/tape.js';
export * from './ops/index.js';
export { defaultGenerator, Generator, type GeneratorState, manualSeed, withDefaultGenerator } from './random/generator.js';
export { hostUntouched, type MovingState } from './record/host-untouched.js';
export { HostValue } from './record/host-value.js';
export { onEachStep } from './record/recorder.js';
export { fromHalf, toHalf } from './storage/host-data.js';
export { AllOrNothing, keep, Scope, scope } from './storage/scope.js';
export type { TensorSpec } from './storage/spec.js';
export { type ArangeOptions, arange, eye, fullLike, onesLike, zerosLike } from './tensor/arange-eye-like.js';
export { type CreateOptions, empty, full, ones, tensor, zeros } from './tensor/create.js';
export { FlatParameters } from './tensor/flat.js';
export { type HostNumbersOptions, hostNumbers } from './tensor/host-numbers.js';
export { type GradHook, Tensor } from './tensor/tensor.js';
