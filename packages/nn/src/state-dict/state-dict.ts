import { copyInto, InitlabError, mul, noGrad, OpError, scope, Tensor } from '@initlab/core';
import { checkFlags, checkOptions, showShape } from '@initlab/core/internal';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { InstanceNorm2d } from '../layers/instance-norm.js';
import { checkModule, type Module } from '../module/module.js';
import { parseSafetensors, type SafetensorsFile } from '../safetensors/parse.js';
import { type SavedTensor, serializeSafetensors } from '../safetensors/serialize.js';

/** A tensor to load: its shape and row-major numbers (from a file or `readStateDict`), or a tensor on the model's device. */
export type LoadableTensor =
  | Tensor
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> | BigInt64Array | BigUint64Array };

/** What `loadStateDict` takes: the bytes of a safetensors file, such a file parsed, or tensors by name. */
export type StateDictSource = Uint8Array | ArrayBuffer | SafetensorsFile | ReadonlyMap<string, LoadableTensor>;

/** What a file and a model do not have in common, by name. */
export interface StateDictDifferences {
  /** In the model, not in the file. */
  readonly missing: readonly string[];
  /** In the file, not in the model. */
  readonly unexpected: readonly string[];
}

/** A state dict that does not fit its model. The message lists every name. */
export class StateDictError extends InitlabError {
  override name = 'StateDictError';
  constructor(
    message: string,
    readonly differences: StateDictDifferences,
  ) {
    super(message);
  }
}

/** A module whose keys once had other names, as torchvision's DenseNet has. */
export interface RenamesOnLoad {
  /** Today's name of a key that a file may have; both without the path to this module. */
  nameOnLoad(name: string): string;
}
const renamerOf = (module: Module & Partial<RenamesOnLoad>): ((name: string) => string) | undefined => module.nameOnLoad?.bind(module);

/** What a file holds, by today's names. */
function renamed(model: Module, saved: ReadonlyMap<string, LoadableTensor>): ReadonlyMap<string, LoadableTensor> {
  let named = saved;
  for (const [path, module] of model.namedModules('', { removeDuplicate: false })) {
    const rename = renamerOf(module);
    if (!rename) continue;
    const prefix = path ? `${path}.` : '';
    const today = (name: string): string => (name.startsWith(prefix) ? prefix + rename(name.slice(prefix.length)) : name);
    named = new Map([...named].map(([name, x]) => [today(name), x]));
  }
  return named;
}

const counterName = (path: string): string => (path ? `${path}.num_batches_tracked` : 'num_batches_tracked');
/** PyTorch's counters of batches seen, which are saved as 64-bit integers. */
function counters(model: Module): Map<string, { numBatchesTracked: number }> {
  const named = model.namedModules('', { removeDuplicate: false });
  return new Map(
    [...named].flatMap(([path, m]) =>
      (m instanceof BatchNorm2d || m instanceof InstanceNorm2d) && m.trackRunningStats ? [[counterName(path), m] as const] : [],
    ),
  );
}

/**
 * A model's parameters and state by PyTorch's names, read from the device: what `saveStateDict` writes. What is shared (a layer
 * used twice, tied weights) stands under each of its names, as in PyTorch.
 */
export async function readStateDict(model: Module): Promise<Map<string, SavedTensor>> {
  checkModule('readStateDict', model);
  const tensors = new Map<string, SavedTensor>();
  const counts = counters(model);
  const read = new Map<Tensor, SavedTensor>();
  for (const [name, x] of model.stateDict()) {
    if (x.disposed) throw new OpError('readStateDict', `${name} was disposed; the model cannot be saved any more`);
    const saved = read.get(x) ?? { shape: x.shape, data: (await x.read()) as Float32Array };
    read.set(x, saved);
    tensors.set(name, saved);
    const counter = name.replace(/running_var$/, 'num_batches_tracked');
    const layer = counts.get(counter);
    if (layer && counter !== name) tensors.set(counter, { shape: [], data: BigInt64Array.of(BigInt(layer.numBatchesTracked)) });
  }
  return tensors;
}

/**
 * A model as a safetensors file with PyTorch's names (PyTorch: `save_file(model.state_dict(), …)`), f32 and, for the
 * counters of batch norm, i64.
 */
export async function saveStateDict(
  model: Module,
  options: { metadata?: Readonly<Record<string, string>> } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions('saveStateDict', options, ['metadata']);
  const { metadata = {} } = options;
  return serializeSafetensors(await readStateDict(model), metadata);
}

/**
 * Set a model's parameters and state from a safetensors file (PyTorch: `model.load_state_dict(load_file(…), strict)`), or
 * from another model: `loadStateDict(model, other.stateDict())`. Nothing is set when it throws StateDictError: with `strict`
 * (the default) for any name that is missing or unexpected, and always for a wrong shape. Without `strict` what fits is
 * loaded. Batch norm's counters may be absent: older files have none, nor has `stateDict()`. Of what the model shares under
 * several names one suffices; where they differ the last in the model's order holds, as in PyTorch. Modules may know older names of
 * their keys (`RenamesOnLoad`).
 */
export function loadStateDict(model: Module, source: StateDictSource, options: { strict?: boolean } = {}): StateDictDifferences {
  checkModule('loadStateDict', model);
  checkOptions('loadStateDict', options, ['strict']);
  const { strict = true } = options;
  checkFlags('loadStateDict', { strict });
  const saved = renamed(model, tensorsOf(source));
  const own = model.stateDict();
  const counts = counters(model);
  const given = new Set([...own].flatMap(([name, x]) => (saved.has(name) ? [x] : [])));
  const missing = [...own].flatMap(([name, x]) => (given.has(x) ? [] : [name]));
  const unexpected = [...saved.keys()].filter((name) => !own.has(name) && !counts.has(name));
  const shapes = [...own].map(([name, x]) => [name, x.shape] as const);
  const misshapen = [...shapes, ...[...counts.keys()].map((name) => [name, []] as const)].flatMap(([name, shape]) => {
    const there = saved.get(name)?.shape;
    return !there || showShape(there) === showShape(shape)
      ? []
      : [`${name} is ${showShape(there)} in the file and ${showShape(shape)} in the model`];
  });
  const faults = [
    ...misshapen,
    ...[...own].flatMap(([name, x]) => unusable(name, x, saved.get(name))),
    ...[...counts.keys()].flatMap((name) => noCount(name, saved.get(name))),
    ...(strict && missing.length > 0 ? [`missing in the file: ${missing.join(', ')}`] : []),
    ...(strict && unexpected.length > 0 ? [`unknown to the model: ${unexpected.join(', ')}`] : []),
  ];
  if (faults.length > 0) throw new StateDictError(`loadStateDict: ${faults.join('; ')}`, { missing, unexpected });
  for (const [name, x] of own) {
    const there = saved.get(name);
    if (there instanceof Tensor) copyOver(x, there);
    else if (there) x.set(numbersOf(there.data));
  }
  for (const [name, layer] of counts) {
    const there = saved.get(name);
    if (there && !(there instanceof Tensor)) layer.numBatchesTracked = Number(there.data[0] ?? 0);
  }
  return { missing, unexpected };
}

function noCount(name: string, source: LoadableTensor | undefined): string[] {
  const count = source === undefined || source instanceof Tensor ? 0 : Number(source.data[0]);
  return Number.isSafeInteger(count) && count >= 0 ? [] : [`${name} is ${count}, which is no count of batches`];
}

function tensorsOf(source: StateDictSource): ReadonlyMap<string, LoadableTensor> {
  if (source instanceof Uint8Array) return parseSafetensors(source).tensors;
  if (source instanceof ArrayBuffer) return parseSafetensors(new Uint8Array(source)).tensors;
  const tensors: unknown = source instanceof Map ? source : (source as Partial<SafetensorsFile> | undefined)?.tensors;
  if (!(tensors instanceof Map)) {
    const got = typeof source === 'string' ? `the text "${source}"` : (source as object | undefined)?.constructor?.name;
    const hint = source instanceof Promise ? 'await it first' : 'of a file give the bytes: await readFile(path)';
    throw new OpError(
      'loadStateDict',
      `takes the bytes of a safetensors file or a Map of tensors by name, got ${got ?? typeof source}; ${hint}`,
    );
  }
  for (const [name, x] of tensors) {
    if (!Array.isArray(x?.shape) || !(x instanceof Tensor || x.data?.length >= 0))
      throw new OpError('loadStateDict', `${name} is neither a Tensor nor a shape with data`);
    if (x instanceof Tensor) continue;
    const size = x.shape.reduce((product: number, d: number) => product * d, 1);
    if (x.data.length !== size)
      throw new OpError('loadStateDict', `${name} has ${x.data.length} numbers for the shape ${showShape(x.shape)}`);
    if (!ArrayBuffer.isView(x.data) && !Array.from(x.data).every((value) => typeof value === 'number'))
      throw new OpError('loadStateDict', `${name} holds something other than numbers`);
  }
  return tensors;
}

/** What keeps a tensor of another model from being copied, found before anything is. */
function unusable(name: string, x: Tensor, source: LoadableTensor | undefined): string[] {
  if (!(source instanceof Tensor)) return [];
  if (source.disposed) return [`${name} was disposed in the model it is of`];
  if (source.device !== x.device) return [`${name} is on another device: read it first, with readStateDict`];
  return source.dtype === 'f32' || source.dtype === 'f16' ? [] : [`${name} is ${source.dtype} where the model has ${x.dtype}`];
}

/** Through memory between: both may lie in the flat buffer of one optimiser, which no dispatch reads and writes at once. */
function copyOver(x: Tensor, source: Tensor): void {
  noGrad(() => scope(() => copyInto(x, mul(source, 1))));
}

const numbersOf = (data: ArrayLike<number> | BigInt64Array | BigUint64Array): ArrayLike<number> =>
  data instanceof BigInt64Array || data instanceof BigUint64Array ? Float64Array.from(data, Number) : data;
