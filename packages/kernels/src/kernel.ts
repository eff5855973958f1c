import type { BindingAccess, Capability, Dispatch, Kernel, Plan, SlotRange, Target } from './plan.js';
import { literal, packWords, readPacked, type Scalars, type Word, wordsOf } from './scalars.js';

export {
  alongAxes,
  f32,
  fits16,
  floatLiteral,
  heightWidth,
  i32,
  type Scalar,
  type Scalars,
  s16,
  u8,
  u16,
  u32,
  u32s,
} from './scalars.js';

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

/** What names a kernel by itself; any other part of a key is named by `show`. */
type Plain = string | number | boolean | undefined;
type Shown<K> = { readonly [F in keyof K as K[F] extends Plain ? never : F]: (value: K[F]) => string };

interface DispatchCore<K> {
  /** What kind of kernel it is: `conv2d-forward-window`. */
  readonly family: string;
  /** Everything that the text depends on: name and code are both made of it, so that equal names mean equal text. */
  readonly key: K;
  /** Functions, workgroup variables and the entry point `fn main`; refers to bindings by name and to fields as `p.x`. */
  readonly code: (key: K) => string;
  readonly bindings: readonly BindingSpec[];
  readonly scalars?: Scalars;
  /** Whether the scalars are in the code; see `isBaked`. Default `sizes`. */
  readonly bake?: Bake;
  /** What the code asks of the adapter besides 16-bit floats in bindings. */
  readonly uses?: readonly Capability[];
  /** For the reader of a dumped kernel: what lies where, who owns which part, what each barrier is for. */
  readonly about?: string;
  readonly workgroups: readonly [number, number, number];
  /** Slot names where they differ from the WGSL names. */
  readonly slots?: Readonly<Record<string, string | SlotRange>>;
  /** Multiply-adds, times two, where this dispatch is a product. */
  readonly flops?: number;
}
/** `show`: the text of each part of the key that is no plain value; it must tell all of it that the code depends on. */
export type DispatchSpec<K> = DispatchCore<K> &
  (keyof Shown<K> extends never ? { readonly show?: undefined } : { readonly show: Shown<K> });

/**
 * `sizes`: a compiled step's kernel is made for its shapes. `shared`: but not where the driver compiles for a CPU: it unrolls loops of
 * known length, for seconds, and layers of different shapes share what it compiled; right for all that does not divide by its sizes at
 * every element. `passed`: in no case, since dispatches that differ only in these numbers are many. `always`: the code is written for them.
 */
export type Bake = 'sizes' | 'shared' | 'passed' | 'always';

/** The one place that says whether fields become part of the code: as asked for, and always where they are too many to be passed. */
function isBaked(target: Target, bake: Bake, words: number): boolean {
  if (words * 4 > 64 || bake === 'always') return true;
  return target.bake && !(bake === 'passed' || (bake === 'shared' && rolls(target)));
}

/** Whether loops keep a length that the compiler does not know, and shapes are passed: drivers that compile for a CPU unroll for seconds. */
export const rolls = (target: Target): boolean => target.rolled ?? target.software;

/**
 * Describe one dispatch: names the kernel, packs or bakes its fields, and writes the head of its text (what it enables, bindings,
 * fields), so that all kernels declare them alike. Baked fields are constants, `const inChannels = 64u`, passed ones immediates or a uniform.
 */
export function dispatch<K extends object>(target: Target, spec: DispatchSpec<K>): Dispatch {
  const { family, key, bindings, scalars = {}, bake = 'sizes', code, workgroups, flops } = spec;
  const words = wordsOf(scalars);
  const baked = isBaked(target, bake, words.length);
  const passed = baked ? [] : words;
  const way = passed.length === 0 || target.immediates ? '' : ' uniform';
  const kernel: Kernel = {
    name: `${[family, ...keyText(spec)].join(' ')}${baked ? bakedText(scalars) : ''}${way}`,
    bindings: bindings.map((b) => b.access),
    scalarBytes: passed.length * 4,
    uses: usesOf(bindings, spec.uses),
    source: () => head(spec, passed, target.immediates) + readPacked(code(key), passed),
  };
  return {
    kernel,
    slots: bindings.map((b) => spec.slots?.[b.name] ?? b.name),
    scalars: packWords(passed),
    workgroups,
    ...(flops === undefined ? {} : { flops }),
    ...(bindings.some((b) => b.seldom) ? { seldom: bindings.flatMap((b, i) => (b.seldom ? [i] : [])) } : {}),
  };
}

/** `field=value` of every part of a key; of a truth its name alone, of what is not so nothing. */
function keyText<K extends object>({ key, show }: DispatchSpec<K>): string[] {
  const shown = show as Readonly<Record<string, (value: unknown) => string>> | undefined;
  return Object.entries(key).flatMap(([field, value]: [string, unknown]) => {
    const text = shown?.[field] ? shown[field](value) : value;
    if (text === undefined || text === false || text === '') return [];
    return text === true ? [field] : [`${field}=${String(text)}`];
  });
}

const bakedText = (scalars: Scalars): string => {
  const entries = Object.entries(scalars);
  return entries.length === 0 ? '' : ` [${entries.map(([name, { value }]) => `${name}=${value}`).join(',')}]`;
};

const usesOf = (bindings: readonly BindingSpec[], uses: readonly Capability[] = []): Capability[] => [
  ...new Set<Capability>([...(bindings.some((b) => /\bf16\b/.test(b.element)) ? (['f16'] as const) : []), ...uses]),
];

function head<K>(spec: DispatchCore<K>, passed: readonly Word[], immediates: boolean): string {
  const { bindings, scalars = {}, about } = spec;
  const lines = usesOf(bindings, spec.uses).map((e) => `enable ${e};`);
  if (passed.length > 0 && immediates) lines.push('requires immediate_address_space;');
  if (about !== undefined)
    lines.push(
      ...about
        .trim()
        .split('\n')
        .map((line) => `// ${line.trim()}`),
    );
  bindings.forEach((b, i) => {
    const space = b.access === 'uniform' ? 'uniform' : b.access === 'read' ? 'storage, read' : 'storage, read_write';
    lines.push(`@group(0) @binding(${i}) var<${space}> ${b.name}: ${b.access === 'uniform' ? b.element : `array<${b.element}>`};`);
  });
  const entries = Object.entries(scalars);
  if (passed.length > 0) {
    lines.push(`struct Scalars { ${passed.map(({ name, type }) => `${name}: ${type}`).join(', ')} }`);
    lines.push(immediates ? 'var<immediate> p: Scalars;' : '@group(1) @binding(0) var<uniform> p: Scalars;');
  } else if (entries.length > 0) {
    for (const [name, field] of entries) lines.push(`const ${name} = ${literal(field)};`);
    lines.push(`struct Scalars { ${entries.map(([name, { type }]) => `${name}: ${type}`).join(', ')} }`);
    lines.push(`const p = Scalars(${entries.map(([name]) => name).join(', ')});`);
  }
  return `${lines.join('\n')}\n`;
}

/** The plan of what one dispatch does; its variant is the kernel's name if not given. */
export const single = (made: Dispatch, variant = made.kernel.name): Plan => ({ variant, temporaries: [], dispatches: [made] });
/** The same, of the `dispatch` described. */
export const planSingle = <K extends object>(variant: string, target: Target, spec: DispatchSpec<K>): Plan =>
  single(dispatch(target, spec), variant);

/** Spread `count` workgroups over x and y. In WGSL: `let group = wid.x + wid.y * nwg.x;` and return if `group >= count`. */
export function linearGroups(count: number, target: Target): [number, number, number] {
  if (count <= target.maxWorkgroups) return [Math.max(1, count), 1, 1];
  const y = Math.ceil(count / target.maxWorkgroups);
  return [Math.ceil(count / y), y, 1];
}

/** Who owns one thing of many: an invocation by itself, or a workgroup of `threads` (default 64) `together`. */
interface Owner {
  readonly together?: boolean;
  readonly threads?: number;
}

/** Workgroups for so many things, `layers` times along z; `entry` tells each owner which is its own. */
export function grid(
  count: number,
  target: Target,
  { together = false, threads = 64, layers = 1 }: Owner & { readonly layers?: number } = {},
): [number, number, number] {
  const [x, y] = linearGroups(together ? count : ceilDiv(count, threads), target);
  return [x, y, layers];
}

/** WGSL: the entry point of workgroups of so many invocations, up to inside it. */
export const mainOf = (threads: number): string => `@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {`;

/** WGSL: the same over a `grid`, and `thing`, the index of what is owned; who owns none of the `count` (an expression) returns. */
export const entry = (thing: string, count: string, { together = false, threads = 64 }: Owner = {}): string => `${mainOf(threads)}
  let ${thing} = ${together ? 'wid.x + wid.y * nwg.x' : `(wid.x + wid.y * nwg.x) * ${threads}u + lane`};
  if (${thing} >= ${count}) { return; }`;

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);
