import { AllOrNothing, copyInto, Generator, HostValue, noGrad, OpError, Tensor } from '@initlab/core';
import { currentRecorder, showShape } from '@initlab/core/internal';
import { copyHooks, ownForward } from './hooks.js';
import { checkModule, Module } from './module.js';
import { Parameter, StateTensor, stateTensor } from './parameter.js';

/**
 * A copy of a module with all below it, in memory of its own (PyTorch's `copy.deepcopy`): parameters and state with their values, what
 * stands in several places there as often, tied, and modes, `requiresGrad`, counters and the numbers that dropout is yet to draw as they
 * are. Hooks that were registered come along; gradients and optimisers do not, nor what is attached to single tensors. Of other fields
 * numbers, texts, arrays, plain objects, maps and sets are copied with what they hold, and functions and instances of classes shared. Throws
 * for a field that holds a value with a history, and for classes with `#private` fields, which nothing outside can copy.
 *
 * ```ts
 * const average = deepCopy(model).eval();
 * ```
 */
export function deepCopy<M extends Module>(module: M): M {
  checkModule('deepCopy', module);
  if (currentRecorder())
    throw new OpError('deepCopy', 'a compiled function runs its JavaScript once, so the copy would be made once; make it outside');
  using whole = new AllOrNothing();
  return whole.done(new Copier().module(module));
}

class Copier {
  /** Copies by what they are of. */
  private readonly made = new Map<object, unknown>();

  module<M extends Module>(module: M): M {
    const former = this.made.get(module);
    // What is kept for a module is its copy, of the same class.
    if (former) return former as M;
    refusePrivateFields(module);
    const copy: M = Object.create(Object.getPrototypeOf(module));
    this.made.set(module, copy);
    for (const key of Reflect.ownKeys(module)) {
      const field = key === 'forward' ? ownForward(module) : Object.getOwnPropertyDescriptor(module, key);
      if (field) Object.defineProperty(copy, key, 'value' in field ? { ...field, value: this.field(module, key, field.value) } : field);
    }
    copyHooks(module, copy);
    return copy;
  }

  private field(module: Module, key: string | symbol, value: unknown): unknown {
    const place = `${module.constructor.name}: field ${String(key)}`;
    return this.value(place, value);
  }

  private value(place: string, value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Module) return this.module(value);
    const former = this.made.get(value);
    if (former !== undefined) return former;
    const copy = this.object(place, value);
    this.made.set(value, copy);
    return copy;
  }

  private object(place: string, value: object): unknown {
    const inside = (item: unknown): unknown => this.value(place, item);
    if (value instanceof Tensor) return tensorLike(place, value);
    if (value instanceof HostValue) return new HostValue(value.value);
    if (value instanceof Generator) return Generator.from(value.state);
    if (Array.isArray(value)) return value.map(inside);
    if (value instanceof Map) return new Map([...value].map(([key, item]) => [inside(key), inside(item)]));
    if (value instanceof Set) return new Set([...value].map(inside));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Date) return structuredClone(value);
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(item)]));
  }
}

/** The same values in memory of its own, which belongs to no scope. */
function tensorLike(place: string, x: Tensor): Tensor {
  if (x.disposed)
    throw new OpError('deepCopy', `${place} holds a tensor ${showShape(x.shape)} that was disposed of; set it to undefined before`);
  if (x.link)
    throw new OpError(
      'deepCopy',
      `${place} holds a tensor ${showShape(x.shape)} that an op made, with its history; keep x.detach(), or set it to undefined before`,
    );
  const copy = emptyLike(x);
  noGrad(() => copyInto(copy, x));
  copy.requiresGrad = x.requiresGrad;
  copy.name = x.name;
  return copy;
}

function emptyLike(x: Tensor): Tensor {
  const { device, shape } = x;
  if (x instanceof Parameter) return new Parameter(shape, { device });
  if (x instanceof StateTensor) return stateTensor(shape, { device });
  return Tensor.allocate(device, x.spec, 'copy of a tensor');
}

/** A declaration of a `#private` field or method, in the text of a class. */
const privateName = /[\s;{]#[A-Za-z_$][\w$]*\s*[=;(]/;

/** Object.create makes no private fields, and a method that reads them would fail later, far from here. */
function refusePrivateFields(module: Module): void {
  for (let kind: unknown = module.constructor; typeof kind === 'function' && kind !== Module; kind = Object.getPrototypeOf(kind))
    if (privateName.test(String(kind)))
      throw new OpError(
        'deepCopy',
        `${kind.name} has #private fields, which nothing outside can copy; make them fields that are not (TypeScript's private), or build the copy ` +
          'by its constructor and loadStateDict',
      );
}
