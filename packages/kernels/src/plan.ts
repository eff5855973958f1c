/**
 * What a planner returns and what it may know.
 *
 * A planner is a pure function `(problem, target) → Plan`. It never touches a GPU: it names kernels (with a thunk
 * for their WGSL), says which named slot each binding reads or writes, and how many workgroups run. Core supplies
 * buffers for the slots. The same plan therefore serves an eager call, a compiled step, the tuner and the dump.
 */

/** One shape of matrix unit the adapter offers (`adapter.info.subgroupMatrixConfigs`). */
export interface SubgroupMatrixConfig {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** Everything a planner may know about the adapter. Sizes in bytes unless a unit is named. */
export interface Caps {
  /** Key of tuned tables: vendor, architecture and device in one readable string. */
  readonly adapter: string;
  /** The driver runs on the CPU (lavapipe, SwiftShader): bandwidth is cheap, workgroup memory and barriers are not. */
  readonly software: boolean;
  readonly f16: boolean;
  readonly subgroups: boolean;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  /** Scalars travel as immediates (`var<immediate>`); otherwise through a uniform buffer. */
  readonly immediates: boolean;
  readonly maxWorkgroupStorage: number;
  readonly maxInvocations: number;
  /** Largest workgroup count in one dimension of a dispatch (65,535 nearly everywhere). */
  readonly maxWorkgroups: number;
  readonly maxStorageBuffers: number;
  readonly maxStorageBinding: number;
  readonly maxUniformBinding: number;
}

/** What a plan is made for: an adapter and the way scalars are passed. */
export interface Target extends Caps {
  /** Bake scalars into the WGSL as constants (compiled steps) instead of passing them (eager code reuses pipelines). */
  readonly bake: boolean;
  /** Keep loops rolled and sizes passed, for drivers that compile for a CPU; default: as `software`. Tests run GPU kernels so. */
  readonly rolled?: boolean;
  /** An `AdapterKernels`, for adapters that have kernels of their own; without it they are planned with those of any GPU. */
  readonly adapterKernels?: object;
  /** Choose the plain reference kernel where an op has one. */
  readonly reference?: boolean;
  /**
   * Let f32 products run on matrix units, each operand split in two halves of f16. Off by default: numbers below 2⁻¹⁴
   * lose precision and those above 65504 overflow (docs/numerics.md).
   */
  readonly splitF32?: boolean;
  /**
   * Kernels on matrix units keep operands in an array of f16 and results in one of f32, as matrices hold them, not both in
   * one array of vectors: more memory and more stores, for drivers that do not get matrices from vectors right.
   */
  readonly typedMatrixMemory?: boolean;
  /** Force a variant by its name (tuner, tests, resumed runs); ignored by ops that do not know the name. */
  readonly variant?: string;
  /** Variant of the problems measured on this adapter, by their keys (see `Tunable`); others get the best guess. */
  readonly tuned?: ReadonlyMap<string, string>;
}

export type BindingAccess = 'read' | 'readWrite' | 'uniform';

/** What a kernel asks of an adapter; its text enables it. */
export type Capability = 'f16' | 'subgroups' | 'chromium_experimental_subgroup_matrix';

/** One pipeline. `name` is unique: two kernels of one name have the same WGSL. */
export interface Kernel {
  readonly name: string;
  /** Access of each binding of group 0, in binding order. */
  readonly bindings: readonly BindingAccess[];
  /** Bytes of scalars passed at dispatch: 0 when baked or when there are none. */
  readonly scalarBytes: number;
  readonly uses: readonly Capability[];
  /** Complete WGSL; built when the pipeline is first needed. The entry point is `main`. */
  readonly source: () => string;
}

/** A part of a slot's bytes; `offset` is a multiple of 256. */
export interface SlotRange {
  readonly slot: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface Dispatch {
  readonly kernel: Kernel;
  /** Slot (or part of one) of each binding, in binding order: an op's input or output, or a temporary of this plan. */
  readonly slots: readonly (string | SlotRange)[];
  /** Scalars in the kernel's layout; empty when `kernel.scalarBytes` is 0. */
  readonly scalars: ArrayBuffer;
  readonly workgroups: readonly [number, number, number];
  /** Multiply-adds of a product, times two, for the profile; other kernels are judged by the bytes they move. */
  readonly flops?: number;
  /** Bindings that are read in rare cases only: the profile does not count their bytes. */
  readonly seldom?: readonly number[];
}

/** Scratch that lives as long as its plan runs. Its content is undefined at the start. */
export interface Temporary {
  readonly slot: string;
  readonly bytes: number;
}

/** How a problem is computed: dispatches in order, and the scratch memory they share. */
export interface Plan {
  /** Readable name of the algorithm and its parameters, recorded by runs and shown in profiles. */
  readonly variant: string;
  readonly dispatches: readonly Dispatch[];
  readonly temporaries: readonly Temporary[];
}

/** Element types: 32- and 16-bit floats (f16 where the adapter has it), and 32-bit whole numbers with and without sign. */
export type DType = 'f32' | 'f16' | 'i32' | 'u32';
/** `rowMajor`: bytes in the order of the logical shape. `channelsLast`: logical NCHW, bytes in NHWC order (4-D only). */
export type MemoryFormat = 'rowMajor' | 'channelsLast';

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, u32: 4 };
