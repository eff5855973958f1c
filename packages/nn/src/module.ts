import { guard, OpError, type Tensor } from '@initlab/core';
import { Parameter, StateTensor } from './parameter.js';

/** Node's name for what `console.log` shows. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Base of all layers and models, after PyTorch's `nn.Module`: fields that hold a Parameter, a `stateTensor` (saved but not
 * learned) or a Module, or an array of them, are found by themselves, in order of declaration. Names in state dicts are
 * PyTorch's: `runningMean` becomes `running_mean`, the second of an array `scales` is `scales.1`. Other tensors may be kept
 * in fields and are not saved. `#private` fields cannot be seen and hold nothing that is to be trained or saved.
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
    guard(this);
    this.inTraining = mode;
  }

  abstract forward(x: Tensor): Tensor;

  /** Direct submodules with their names. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [name, member] of members(this)) if (member instanceof Module) yield [name, member];
  }

  /** This module and all below it, parents first. The root's name is empty. */
  *namedModules(prefix = ''): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(prefix ? `${prefix}.${name}` : name);
  }

  *namedParameters(): Generator<[string, Parameter]> {
    for (const [name, tensor] of this.tensors()) if (tensor instanceof Parameter) yield [name, tensor];
  }

  /** Saved state that is not learned. */
  *namedBuffers(): Generator<[string, Tensor]> {
    for (const [name, tensor] of this.tensors()) if (!(tensor instanceof Parameter)) yield [name, tensor];
  }

  parameters(): Parameter[] {
    return [...this.namedParameters()].map(([, p]) => p);
  }

  modules(): Module[] {
    return [...this.namedModules()].map(([, m]) => m);
  }

  /** Switch this module and all below to training (or evaluation) mode. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }
  eval(): this {
    return this.train(false);
  }

  /** Call `visit` on every module below and then on this one (PyTorch's order). */
  apply(visit: (module: Module) => void): this {
    for (const [, child] of this.namedChildren()) child.apply(visit);
    visit(this);
    return this;
  }

  /** Forget all gradients. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.zeroGrad();
  }

  /** Parameters and state by PyTorch's names. The tensors are the module's own, not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.tensors());
  }

  /** Free all parameters and state. */
  dispose(): void {
    for (const [, child] of this.namedChildren()) child.dispose();
    for (const [, tensor] of this.tensors()) {
      tensor.zeroGrad();
      tensor.dispose();
    }
  }

  /** The tree of submodules with their classes, as PyTorch prints it. */
  toString(): string {
    const children = [...this.namedChildren()].map(([name, child]) => `(${name}): ${child}`.replace(/^/gm, '  '));
    return `${this.constructor.name}(${children.length > 0 ? `\n${children.join('\n')}\n` : ''})`;
  }
  [inspect](): string {
    return this.toString();
  }

  private *tensors(): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [path, module] of this.namedModules())
      for (const [name, member] of members(module)) {
        if (member instanceof Module || seen.has(member)) continue;
        seen.add(member);
        yield [path ? `${path}.${name}` : name, member];
      }
  }
}

type Member = Module | Parameter | StateTensor;
const isMember = (value: unknown): value is Member => value instanceof Module || value instanceof Parameter || value instanceof StateTensor;

/** What a module consists of: its fields that are modules, parameters or state, and those in arrays. */
function* members(module: Module): Generator<[string, Member]> {
  for (const [field, value] of Object.entries(module))
    for (const [key, item] of Array.isArray(value) ? value.entries() : [['', value] as const]) {
      if (isMember(item)) yield [snakeCase(field) + (key === '' ? '' : `.${key}`), item];
      else if (containedIn(item).some(isMember))
        throw new OpError(
          module.constructor.name,
          `field ${field} holds modules or parameters where they are not found; keep them in fields of their own, in an array or in a Sequential`,
        );
    }
}

/** What a Map, a Set, a plain object or an array inside an array holds. */
function containedIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map || value instanceof Set) return [...value.values()];
  return value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype ? Object.values(value) : [];
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
