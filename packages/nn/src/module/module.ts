import { OpError, Tensor } from '@initlab/core';
import { checkFlags, checkOptions, guard, setsMode, showShape, showValue } from '@initlab/core/internal';
// Whoever has layers has the methods on tensors, in a bundle too.
import '@initlab/core/methods/common';
import { Parameter, StateTensor } from './parameter.js';

/** Node's name for what `console.log` shows. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/** How modules and their tensors are listed. */
export interface WalkOptions {
  /** One that stands under several names (a layer used twice, tied weights) comes under the first only. Default true. */
  readonly removeDuplicate?: boolean;
}

function checkWalk(options: WalkOptions): void {
  checkOptions('modules and parameters', options, ['removeDuplicate']);
  checkFlags('modules and parameters', { removeDuplicate: options.removeDuplicate });
}

/**
 * Base of all layers and models, after PyTorch's `nn.Module`: fields that hold a Parameter, a `stateTensor` (saved but not
 * learned) or a Module, or an array of them, are found by themselves, in order of declaration. Names in state dicts are
 * PyTorch's: `runningMean` becomes `running_mean`, the second of an array `scales` is `scales.1`. Other tensors may be kept
 * in fields and are not saved; a leaf that wants a gradient there is refused when parameters are listed. `#private` fields
 * cannot be seen and hold nothing that is to be trained or saved.
 */
export abstract class Module {
  private inTraining = true;
  private static readonly inTrainingOf = (module: Module): boolean => module.inTraining;

  constructor() {
    guard(this);
  }

  /**
   * Training mode: dropout drops, batch norm uses the batch. Set by `train()` and `eval()`. A compiled step keeps one recording
   * for each mode it was called in.
   */
  get training(): boolean {
    guard<Module>(this, Module.inTrainingOf);
    return this.inTraining;
  }
  set training(mode: boolean) {
    const set = (): void => {
      this.inTraining = mode;
    };
    setsMode(this, set);
    set();
  }

  abstract forward(x: Tensor): Tensor;

  /** Direct submodules with their names; one that stands under two names comes under the first. */
  namedChildren(options: WalkOptions = {}): Generator<[string, Module]> {
    return distinct(childrenOf(this), options);
  }

  /** This module and all below it, each once, parents first. The root's name is empty; `prefix` goes before all others. */
  namedModules(prefix = '', options: WalkOptions = {}): Generator<[string, Module]> {
    checkWalk(options);
    return walk(this, prefix, { met: new Set(), removeDuplicate: options.removeDuplicate ?? true });
  }

  *namedParameters(options: WalkOptions = {}): Generator<[string, Parameter]> {
    for (const [name, tensor] of this.tensors(options)) if (tensor instanceof Parameter) yield [name, tensor];
  }

  /** Saved state that is not learned. */
  *namedBuffers(options: WalkOptions = {}): Generator<[string, Tensor]> {
    for (const [name, tensor] of this.tensors(options)) if (!(tensor instanceof Parameter)) yield [name, tensor];
  }

  /** All parameters, each once however often it is used. */
  parameters(): Parameter[] {
    return [...this.namedParameters()].map(([, p]) => p);
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    return [...this.namedModules()].map(([, m]) => m);
  }

  /** Switch this module and all below to training (or evaluation) mode. */
  train(mode = true): this {
    checkFlags('train', { mode });
    for (const module of this.modules()) module.training = mode;
    return this;
  }
  eval(): this {
    return this.train(false);
  }

  /** Call `visit` on every module below and then on this one (PyTorch's order), on each once. */
  apply(visit: (module: Module) => void): this {
    if (typeof visit !== 'function') throw new OpError('apply', `takes a function of a module, got ${showValue(visit)}`);
    childrenFirst(this, visit, new Set());
    return this;
  }

  /** Forget all gradients. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.zeroGrad();
  }

  /** Parameters and state by PyTorch's names, shared ones by each of theirs. The tensors are the module's own, not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.tensors({ removeDuplicate: false }));
  }

  /** Free all parameters and state. */
  dispose(): void {
    notWithin(this, { doing: disposing, else: undefined }, () => {
      for (const [, child] of this.namedChildren()) child.dispose();
      for (const [, tensor] of this.tensors()) {
        tensor.zeroGrad();
        tensor.dispose();
      }
    });
  }

  /** What `toString` shows of the module's own sizes and options (PyTorch's `extra_repr`): nothing, where a class does not say. */
  extraRepr(): string {
    return '';
  }

  /** The tree of submodules with their classes and sizes, as PyTorch prints it. */
  toString(): string {
    const name = this.constructor.name;
    return notWithin(this, { doing: printing, else: `${name}(…)` }, () => {
      const own = this.extraRepr();
      const children = [...this.namedChildren({ removeDuplicate: false })].map(([at, child]) => `(${at}): ${child}`);
      if (children.length === 0) return `${name}(${own})`;
      const lines = [...(own ? [own] : []), ...children].map((line) => line.replace(/^/gm, '  '));
      return `${name}(\n${lines.join('\n')}\n)`;
    });
  }
  [inspect](): string {
    return this.toString();
  }
  /** For `JSON.stringify`: what it is, without its values; `saveStateDict` writes those. */
  toJSON(): { module: string; parameters: number; training: boolean } {
    return { module: this.constructor.name, parameters: this.parameters().reduce((sum, p) => sum + p.size, 0), training: this.training };
  }

  private *tensors(options: WalkOptions = {}): Generator<[string, Tensor]> {
    checkWalk(options);
    const { removeDuplicate = true } = options;
    const seen = new Set<Tensor>();
    for (const [path, module] of this.namedModules('', { removeDuplicate })) {
      refuseStrayLeaf(module);
      for (const [name, member] of members(module)) {
        if (member instanceof Module || (removeDuplicate && seen.has(member))) continue;
        seen.add(member);
        const full = path ? `${path}.${name}` : name;
        // Of a module and its parts the longest: what the whole calls it.
        if (full.length > (member.name?.length ?? 0)) member.name = full;
        yield [full, member];
      }
    }
  }
}

/** Throws where a function of models is given something else, such as a class, or a model's state dict. */
export function checkModule(op: string, model: unknown): asserts model is Module {
  if (model instanceof Module) return;
  const remedy = typeof model === 'function' ? `make one: new ${model.name || 'Model'}(…)` : 'give a model, such as createModel(…)';
  throw new OpError(op, `takes a Module, got ${typeof model === 'function' ? 'a class or function' : showValue(model)}; ${remedy}`);
}

type Member = Module | Parameter | StateTensor;
const isMember = (value: unknown): value is Member => value instanceof Module || value instanceof Parameter || value instanceof StateTensor;

/** What a module consists of: its fields that are modules, parameters or state, and those in arrays. */
function* members(module: Module): Generator<[string, Member]> {
  const fieldOf = new Map<string, string>();
  for (const [field, value] of Object.entries(module))
    for (const [key, item] of Array.isArray(value) ? value.entries() : [['', value] as const]) {
      if (isMember(item)) {
        const name = snakeCase(field) + (key === '' ? '' : `.${key}`);
        const other = fieldOf.get(name);
        // A state dict and a file would hold one of the two.
        if (other !== undefined)
          throw new OpError(module.constructor.name, `fields ${other} and ${field} are both called ${name} in a state dict; rename one`);
        fieldOf.set(name, field);
        yield [name, item];
      } else if (containedIn(item).some(isMember))
        throw new OpError(
          module.constructor.name,
          `field ${field} holds modules or parameters where they are not found; keep them in fields of their own, in an array or in a Sequential`,
        );
    }
}

const isStrayLeaf = (value: unknown): value is Tensor =>
  value instanceof Tensor && !isMember(value as unknown) && value.requiresGrad && !value.link && !value.disposed;

/** A tensor that somebody made to be learned, in a field where no optimiser and no file would find it. */
function refuseStrayLeaf(module: Module): void {
  for (const [field, value] of Object.entries(module))
    for (const item of [value, ...containedIn(value)])
      if (isStrayLeaf(item))
        throw new OpError(
          module.constructor.name,
          `field ${field} holds a tensor ${showShape(item.shape)} that wants a gradient and is no Parameter, so that nothing would train or save it; ` +
            `write new Parameter(${showShape(item.shape)}).set(…), or keep what is not the module’s own in a #private field`,
        );
}

function* childrenOf(module: Module): Generator<[string, Module]> {
  for (const [name, member] of members(module)) if (member instanceof Module) yield [name, member];
}

/** Named modules without those that came before, unless they are asked for. */
export function* distinct(named: Iterable<[string, Module]>, options: WalkOptions): Generator<[string, Module]> {
  checkWalk(options);
  const { removeDuplicate = true } = options;
  const seen = new Set<Module>();
  for (const [name, module] of named) {
    if (removeDuplicate && seen.has(module)) continue;
    seen.add(module);
    yield [name, module];
  }
}

function* walk(
  module: Module,
  name: string,
  context: { readonly met: Set<Module>; readonly removeDuplicate: boolean },
): Generator<[string, Module]> {
  const { met, removeDuplicate } = context;
  if (met.has(module)) return;
  met.add(module);
  yield [name, module];
  for (const [at, child] of module.namedChildren({ removeDuplicate })) yield* walk(child, name ? `${name}.${at}` : at, context);
  // Under another name it comes again, but never below itself.
  if (!removeDuplicate) met.delete(module);
}

function childrenFirst(module: Module, visit: (module: Module) => void, met: Set<Module>): void {
  if (met.has(module)) return;
  met.add(module);
  for (const [, child] of module.namedChildren()) childrenFirst(child, visit, met);
  visit(module);
}

const disposing = new Set<Module>();
const printing = new Set<Module>();

/** Runs what goes down into the children; where a module holds itself, the second time gives `else`. */
function notWithin<T>(module: Module, options: { readonly doing: Set<Module>; readonly else: T }, run: () => T): T {
  const { doing } = options;
  if (doing.has(module)) return options.else;
  doing.add(module);
  try {
    return run();
  } finally {
    doing.delete(module);
  }
}

/** What a Map, a Set, a plain object or an array inside an array holds. */
function containedIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map || value instanceof Set) return [...value.values()];
  return value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype ? Object.values(value) : [];
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
