import { OpError, Tensor } from '@initlab/core';
import { checkNumber, checkOptions, showShape } from '@initlab/core/internal';
import { Module } from '../module/module.js';

/** What every optimiser has. */
export interface CommonOptions {
  readonly lr?: number;
  readonly weightDecay?: number;
}

/** Parameters with rates of their own. */
export interface GroupRates {
  /** As `model.parameters()` gives them; in one group only. */
  readonly params: readonly Tensor[];
  /**
   * Rate where the optimiser's is the one it was made with. It follows that one in proportion, so a schedule of `optimizer.lr` scales
   * every group, as PyTorch's do.
   */
  readonly lr?: number;
  /** The same in another way: times the optimiser's rate; default 1. */
  readonly lrMultiplier?: number;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
}

/** Parameters that share their rates, and any other of their optimiser's `Options`: what a group does not say is as the optimiser has it. */
export type ParameterGroup<Options extends object = object> = GroupRates & Partial<Omit<Options, keyof GroupRates>>;

/** What an optimiser takes: `model.parameters()`, or groups of them. */
export type OptimizerParams<Options extends object = object> = readonly Tensor[] | readonly ParameterGroup<Options>[];

const refuse = (message: string): never => {
  throw new OpError('optimizer', message);
};

/** What an optimiser was given as groups, which may have further `options`: parameters alone are one. Throws for everything else, and for one listed twice. */
export function groupsOf<Options extends object>(
  params: OptimizerParams<Options>,
  options: readonly string[],
): readonly ParameterGroup<Options>[] {
  if (!Array.isArray(params)) return refuse(`takes a list of parameters, got ${showGiven(params)}; give model.parameters()`);
  const list: readonly unknown[] = params;
  if (list.length === 0) refuse('got no parameters; give model.parameters() or parameter groups');
  const groups = list.every(isGroup) ? list : [{ params: list as readonly Tensor[] }];
  const seen = new Set<Tensor>();
  for (const [i, group] of groups.entries()) checkGroup(group, { index: i, seen, options });
  return groups;
}

/** Throws for what is no group that may be the `index`-th, beside those whose parameters were seen. */
export function checkGroup(
  group: ParameterGroup,
  { index, seen, options }: { index: number; seen: Set<Tensor>; options: readonly string[] },
): void {
  if (!isGroup(group)) refuse(`takes a group { params, lr, weightDecay }, got ${showGiven(group)}`);
  const given: Readonly<Record<string, unknown>> = { ...group };
  checkOptions(`optimizer group ${index}`, given, ['params', 'lrMultiplier', ...options]);
  const { params: members, lr, lrMultiplier, weightDecay = 0 } = group;
  if (!Array.isArray(members) || members.length === 0) refuse(`group ${index} has no parameters; groups are { params, lr, weightDecay }`);
  checkNumber(`optimizer group ${index}`, { lr: lr ?? 0, lrMultiplier: lrMultiplier ?? 1, weightDecay }, { from: 0 });
  if (lr !== undefined && lrMultiplier !== undefined)
    refuse(`group ${index} has an lr and an lrMultiplier, which is the same in proportion to the optimiser's lr; give one of them`);
  for (const p of members) {
    if (!(p instanceof Tensor)) refuse(`takes tensors, got ${showGiven(p)} in group ${index}; give model.parameters()`);
    if (seen.has(p)) refuse(`a parameter ${showShape(p.shape)} is listed twice, in group ${index} at last`);
    seen.add(p);
  }
}

/** The options of a group: its own, and where it says none those of `all`. */
export function optionsOf<Options extends object>(group: ParameterGroup<Options>, all: Options): Options {
  const own = Object.entries(group).filter(([, value]) => value !== undefined);
  return Object.assign({}, all, Object.fromEntries(own));
}

/** What the optimiser's rate is multiplied with for a group, `lr` being the rate it was made with and `usual` that of a group that says none. */
export function multiplierOf(
  { lr: own, lrMultiplier }: GroupRates,
  { lr, usual = lr }: { lr: number; usual?: number | undefined },
): number {
  if (lrMultiplier !== undefined) return lrMultiplier;
  const rate = own ?? usual;
  if (rate === lr) return 1;
  if (lr > 0) return rate / lr;
  return refuse('a group has an lr, which is kept in proportion to the optimiser’s, and that is 0; give lrMultiplier');
}

const isGroup = (value: unknown): value is ParameterGroup =>
  value !== null && typeof value === 'object' && !(value instanceof Tensor) && !(value instanceof Module) && !Array.isArray(value);

function showGiven(value: unknown): string {
  if (value instanceof Module) return 'a Module';
  if (Array.isArray(value) || value instanceof Map) return 'names with tensors';
  return value !== null && typeof value === 'object' ? value.constructor.name || 'a generator' : String(value);
}
