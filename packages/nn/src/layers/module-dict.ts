import { OpError, type Tensor } from '@initlab/core';
import { checkObject, guard, showValue } from '@initlab/core/internal';
import { distinct, Module, type WalkOptions } from '../module/module.js';

/** Replaced where a module is put in: a compiled step that read the former is recorded anew. */
interface Named {
  modules: ReadonlyMap<string, Module>;
}
const modulesOf = ({ modules }: Named): unknown => modules;

/**
 * Modules by name (PyTorch's `nn.ModuleDict`): `new ModuleDict({ stem, head }).get('stem')`. Has no forward of its own. JavaScript sorts
 * names that are whole numbers; whose order matters gives pairs: `new ModuleDict([['2', second], ['1', first]])`.
 */
export class ModuleDict extends Module {
  /** Under names of their own, so it is no field that holds modules. */
  private readonly named!: Named;

  constructor(modules: Readonly<Record<string, Module>> | Iterable<readonly [name: string, module: Module]> = {}) {
    super();
    Object.defineProperty(this, 'named', { value: { modules: new Map() }, enumerable: false });
    if (!Array.isArray(modules)) checkObject('ModuleDict', 'modules by name, { name: module }', modules);
    for (const pair of Symbol.iterator in modules ? modules : Object.entries(modules)) {
      if (!Array.isArray(pair))
        throw new OpError('ModuleDict', `takes modules by name, { name: module } or pairs of both, got ${showValue(pair)}`);
      this.set(...(pair as readonly [string, Module]));
    }
  }

  private get modulesByName(): ReadonlyMap<string, Module> {
    guard(this.named, modulesOf);
    return this.named.modules;
  }

  /** Puts a module under a name, which a state dict's keys begin with. */
  set(name: string, module: Module): this {
    if (typeof name !== 'string' || name === '' || name.includes('.'))
      throw new OpError('ModuleDict', `a name is a text without dots, got ${String(name)}`);
    if (!(module instanceof Module)) throw new OpError('ModuleDict', `"${name}" is no Module`);
    guard(this.named);
    this.named.modules = new Map([...this.named.modules, [name, module]]);
    return this;
  }
  /** The module of this name; throws where there is none. */
  get(name: string): Module {
    const found = this.modulesByName.get(name);
    if (!found) throw new OpError('ModuleDict', `has no "${String(name)}"; it has ${this.keys().join(', ') || 'none'}`);
    return found;
  }
  has(name: string): boolean {
    return this.modulesByName.has(name);
  }
  keys(): string[] {
    return [...this.modulesByName.keys()];
  }
  override namedChildren(options: WalkOptions = {}): Generator<[string, Module]> {
    return distinct(this.modulesByName, options);
  }
  override forward(_x: Tensor): Tensor {
    throw new OpError('ModuleDict', 'has no forward: call that of its modules, get(name).forward(x)');
  }
}
