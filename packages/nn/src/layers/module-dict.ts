import { checkObject, OpError, type Tensor } from '@initlab/core';
import { distinct, Module, type WalkOptions } from '../module/module.js';

/** Modules by name (PyTorch's `nn.ModuleDict`): `new ModuleDict({ stem, head }).get('stem')`. Has no forward of its own. */
export class ModuleDict extends Module {
  /** Under names of their own, so it is no field that holds modules. */
  private readonly named!: Map<string, Module>;

  constructor(modules: Readonly<Record<string, Module>> = {}) {
    super();
    Object.defineProperty(this, 'named', { value: new Map(), enumerable: false });
    checkObject('ModuleDict', 'an object of modules { name: module }', modules);
    for (const [name, module] of Object.entries(modules)) this.set(name, module);
  }
  /** Puts a module under a name, which a state dict's keys begin with. */
  set(name: string, module: Module): this {
    if (typeof name !== 'string' || name === '' || name.includes('.'))
      throw new OpError('ModuleDict', `a name is a text without dots, got ${String(name)}`);
    if (!(module instanceof Module)) throw new OpError('ModuleDict', `"${name}" is no Module`);
    this.named.set(name, module);
    return this;
  }
  /** The module of this name; throws where there is none. */
  get(name: string): Module {
    const found = this.named.get(name);
    if (!found) throw new OpError('ModuleDict', `has no "${String(name)}"; it has ${this.keys().join(', ')}`);
    return found;
  }
  has(name: string): boolean {
    return this.named.has(name);
  }
  keys(): string[] {
    return [...this.named.keys()];
  }
  override namedChildren(options: WalkOptions = {}): Generator<[string, Module]> {
    return distinct(this.named, options);
  }
  override forward(_x: Tensor): Tensor {
    throw new OpError('ModuleDict', 'has no forward: call that of its modules, get(name).forward(x)');
  }
}
