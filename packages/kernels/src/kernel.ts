import type { BindingAccess, Dispatch, Kernel, SlotRange, Target } from './plan.js';

/** A scalar a kernel takes: read in WGSL as `p.name`, whether it is baked in or passed at dispatch. */
export type Scalar = { readonly type: 'u32' | 'i32' | 'f32'; readonly value: number };
export type Scalars = Readonly<Record<string, Scalar>>;
export const u32 = (value: number): Scalar => ({ type: 'u32', value });
export const i32 = (value: number): Scalar => ({ type: 'i32', value });
export const f32 = (value: number): Scalar => ({ type: 'f32', value });

/** A binding as WGSL declares it: a storage array of `element`, or a uniform of the given whole type. */
export interface BindingSpec {
  /** Slot name in the plan and variable name in the WGSL. */
  readonly name: string;
  readonly access: BindingAccess;
  /** Storage: element type (`f32`, `vec4<f16>`). Uniform: the whole type (`array<vec4<f32>, 36>`). */
  readonly element: string;
  /** Read in rare cases only: its bytes are not counted as moved. */
  readonly seldom?: boolean;
}
export const read = (name: string, element = 'f32'): BindingSpec => ({ name, access: 'read', element });
export const readWrite = (name: string, element = 'f32'): BindingSpec => ({ name, access: 'readWrite', element });
export const uniform = (name: string, type: string): BindingSpec => ({ name, access: 'uniform', element: type });

export interface DispatchSpec {
  /** Variant name without scalar values; must change with everything that changes `code`. */
  readonly name: string;
  readonly bindings: readonly BindingSpec[];
  readonly scalars?: Scalars;
  readonly workgroups: readonly [number, number, number];
  /** Functions, workgroup variables and the entry point `fn main`; refers to bindings by name and scalars as `p.x`. */
  readonly code: () => string;
  /** `f16`, `subgroups`, …: becomes `enable` directives. */
  readonly enables?: readonly string[];
  /** Slot names where they differ from the WGSL names. */
  readonly slots?: Readonly<Record<string, string | SlotRange>>;
  /** Bake the scalars whatever the target says (the code needs constants, e.g. for array sizes). */
  readonly alwaysBake?: boolean;
  /** Numbers that are always part of the code, as `const name`; the pipeline is made for them. */
  readonly constants?: Scalars;
  /** Pass the scalars even when the target bakes: dispatches that differ only in them share a pipeline. */
  readonly neverBake?: boolean;
  /** Multiply-adds, times two, where this dispatch is a product. */
  readonly flops?: number;
}

const literal = (scalar: Scalar): string =>
  scalar.type === 'u32' ? `${scalar.value >>> 0}u` : scalar.type === 'i32' ? `${scalar.value | 0}i` : floatLiteral(scalar.value);

/** WGSL literal of a finite number, exact for every f32. */
export function floatLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`kernels: ${value} cannot be written as a WGSL literal`);
  const text = Math.fround(value).toString();
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/**
 * Describe one dispatch. The header (enables, bindings, scalars) is generated, so every kernel declares them alike.
 * Scalars become `const p = Scalars(…)` when baked, else an immediate or uniform of the same name: code is the same.
 */
export function dispatch(target: Target, spec: DispatchSpec): Dispatch {
  const entries = Object.entries(spec.scalars ?? {});
  const baked = (target.bake && spec.neverBake !== true) || spec.alwaysBake === true;
  const scalarBytes = baked ? 0 : entries.length * 4;
  if (scalarBytes > 64) throw new RangeError(`kernels: ${spec.name} passes ${entries.length} scalars; 16 are all there are`);
  const way = baked ? '' : target.immediates ? '' : '-uniform';
  const inCode = [...Object.entries(spec.constants ?? {}), ...(baked ? entries : [])];
  const name =
    spec.name + (inCode.length > 0 ? `[${inCode.map(([k, s]) => k + s.value).join(',')}]` : '') + (entries.length > 0 ? way : '');
  const kernel: Kernel = {
    name,
    bindings: spec.bindings.map((b) => b.access),
    scalarBytes,
    source: () => header(spec, entries, baked, target.immediates) + spec.code(),
  };
  return {
    kernel,
    slots: spec.bindings.map((b) => spec.slots?.[b.name] ?? b.name),
    scalars: baked ? new ArrayBuffer(0) : pack(entries),
    workgroups: spec.workgroups,
    ...(spec.flops === undefined ? {} : { flops: spec.flops }),
    ...(spec.bindings.some((b) => b.seldom) ? { seldom: spec.bindings.flatMap((b, i) => (b.seldom ? [i] : [])) } : {}),
  };
}

function pack(entries: readonly (readonly [string, Scalar])[]): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(entries.length * 4));
  entries.forEach(([, s], i) => {
    if (s.type === 'f32') view.setFloat32(i * 4, s.value, true);
    else if (s.type === 'i32') view.setInt32(i * 4, s.value, true);
    else view.setUint32(i * 4, s.value, true);
  });
  return view.buffer;
}

function header(spec: DispatchSpec, entries: readonly (readonly [string, Scalar])[], baked: boolean, immediates: boolean): string {
  const lines = (spec.enables ?? []).map((e) => `enable ${e};`);
  const passed = entries.length > 0 && !baked;
  if (passed && immediates) lines.push('requires immediate_address_space;');
  spec.bindings.forEach((b, i) => {
    const space = b.access === 'uniform' ? 'uniform' : b.access === 'read' ? 'storage, read' : 'storage, read_write';
    lines.push(`@group(0) @binding(${i}) var<${space}> ${b.name}: ${b.access === 'uniform' ? b.element : `array<${b.element}>`};`);
  });
  for (const [k, s] of Object.entries(spec.constants ?? {})) lines.push(`const ${k} = ${literal(s)};`);
  if (entries.length > 0) lines.push(`struct Scalars { ${entries.map(([k, s]) => `${k}: ${s.type}`).join(', ')} }`);
  if (passed) lines.push(immediates ? 'var<immediate> p: Scalars;' : '@group(1) @binding(0) var<uniform> p: Scalars;');
  else if (entries.length > 0) lines.push(`const p = Scalars(${entries.map(([, s]) => literal(s)).join(', ')});`);
  return `${lines.join('\n')}\n`;
}

/** Whether loops keep a length that the compiler does not know, and shapes are passed: drivers that compile for a CPU unroll for seconds. */
export const rolls = (target: Target): boolean => target.rolled ?? target.software;

/** Spread `count` workgroups over x and y. In WGSL: `let group = wid.x + wid.y * nwg.x;` and return if `group >= count`. */
export function linearGroups(count: number, target: Target): [number, number, number] {
  if (count <= target.maxWorkgroups) return [Math.max(1, count), 1, 1];
  const y = Math.ceil(count / target.maxWorkgroups);
  return [Math.ceil(count / y), y, 1];
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);
