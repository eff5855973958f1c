import { compile, type Device, scope } from '@initlab/core';
import { type Optimizer, Parameter, type ParameterGroup } from '@initlab/nn';
import { parityFill } from './parity-fill.js';

/** The training of test/parity/parity_optimizers.py: `a` and `b` share a group, `c` has half the rate and a decay of its own. */
export const names = ['a', 'b', 'c'] as const;
export type Name = (typeof names)[number];
export type Shapes = Readonly<Record<Name, readonly number[]>>;
export const vectors: Shapes = { a: [5], b: [7], c: [6] };
const last = 8;
const sizeOf = (shape: readonly number[]): number => shape.reduce((p, q) => p * q, 1);
const start = (shapes: Shapes, name: Name): Float32Array => parityFill(sizeOf(shapes[name]), { seed: names.indexOf(name) + 1 });
/** A step's gradients; `b` has none in the second step. */
const gradient = (shapes: Shapes, name: Name, step: number): Float32Array<ArrayBuffer> | undefined =>
  name === 'b' && step === 1 ? undefined : parityFill(sizeOf(shapes[name]), { seed: 10 * step + 11 + names.indexOf(name), scale: 0.3 });

export type Values = Readonly<Record<Name, ArrayLike<number>>>;

/** Eight steps, eager or compiled: the parameters after the fourth and the eighth. */
export async function optimizerSteps(
  make: (groups: readonly ParameterGroup[], lr: number) => Optimizer,
  { lr, shapes = vectors, way, device }: { lr: number; shapes?: Shapes; way: string; device: Device },
): Promise<Values[]> {
  const p = Object.fromEntries(names.map((name) => [name, new Parameter(shapes[name], { device }).set(start(shapes, name))])) as Record<
    Name,
    Parameter
  >;
  const optimizer = make([{ params: [p.a, p.b] }, { params: [p.c], lr: lr / 2, weightDecay: 0.1 }], lr);
  const update = (): void => optimizer.step();
  const step = way === 'compiled' ? compile(update, { device }) : () => scope(update);
  const after: Values[] = [];
  for (let k = 0; k < last; k++) {
    if (k === 5) optimizer.lr = lr / 10;
    for (const name of names) {
      const values = gradient(shapes, name, k);
      if (values) p[name].grad = p[name].gradSlot?.set(values);
      else p[name].zeroGrad();
    }
    step();
    if (k === 3 || k === 7) after.push({ a: await p.a.read(), b: await p.b.read(), c: await p.c.read() } as Values);
  }
  if ('dispose' in step) step.dispose();
  optimizer.dispose();
  for (const name of names) p[name].dispose();
  return after;
}

/** A parameter in float64, and what an optimiser keeps of it. */
export interface Reference {
  readonly w: Float64Array;
  readonly shape: readonly number[];
  readonly state: Record<string, Float64Array>;
}
/** The numbers of an update: rate and decay of the group, and which update of the parameter it is, from 1. */
export interface UpdateNumbers {
  readonly lr: number;
  readonly decay: number;
  readonly updates: number;
}

/** The same in float64, by an update written in the test. */
export function referenceSteps(
  update: (p: Reference, g: Float64Array, numbers: UpdateNumbers) => void,
  { lr, decay = 0, shapes = vectors }: { lr: number; decay?: number; shapes?: Shapes },
): Values[] {
  const all = names.map((name) => ({ name, w: Float64Array.from(start(shapes, name)), shape: shapes[name], state: {}, updates: 0 }));
  const after: Values[] = [];
  for (let k = 0; k < last; k++) {
    for (const p of all) {
      const g = gradient(shapes, p.name, k);
      if (!g) continue;
      p.updates++;
      const rate = (p.name === 'c' ? lr / 2 : lr) * (k >= 5 ? 0.1 : 1);
      update(p, Float64Array.from(g), { lr: rate, decay: p.name === 'c' ? 0.1 : decay, updates: p.updates });
    }
    if (k === 3 || k === 7) after.push(Object.fromEntries(all.map(({ name, w }) => [name, w.slice()])) as unknown as Values);
  }
  return after;
}
