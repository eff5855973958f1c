import { guard, Tensor } from '@initlab/core';
import { Parameter } from './parameter.js';

/** Node's name for what `console.log` shows. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Base of all layers and models, after PyTorch's `nn.Module`: fields that hold a Parameter, a Tensor (state, saved but
 * not learned), a Module or an array of Modules are found by themselves, in order of declaration. Names in state dicts
 * are PyTorch's: `runningMean` becomes `running_mean`.
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
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) yield [snakeCase(name), value];
      else if (Array.isArray(value))
        for (const [i, item] of value.entries()) if (item instanceof Module) yield [`${snakeCase(name)}.${i}`, item];
    }
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
    for (const p of this.parameters()) {
      if (p.grad !== p.gradSlot) p.grad?.dispose();
      p.grad = undefined;
    }
  }

  /** Parameters and state by PyTorch's names. The tensors are the module's own, not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.tensors());
  }

  /** Free all parameters and state. */
  dispose(): void {
    for (const [, child] of this.namedChildren()) child.dispose();
    for (const [, tensor] of this.tensors()) {
      tensor.grad?.dispose();
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
      for (const [name, value] of Object.entries(module)) {
        if (!(value instanceof Tensor) || seen.has(value)) continue;
        seen.add(value);
        yield [path ? `${path}.${snakeCase(name)}` : snakeCase(name), value];
      }
  }
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
