import { checkNumber, checkOptions, OpError, showShape, Tensor } from '@initlab/core';
import { Module } from '../module/module.js';

/** Parameters that share their rates. */
export interface ParameterGroup {
  /** As `model.parameters()` gives them; in one group only. */
  readonly params: readonly Tensor[];
  /** Times the optimiser's rate; default 1. */
  readonly lrMultiplier?: number;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
}

const refuse = (message: string): never => {
  throw new OpError('optimizer', message);
};

/** What an optimiser was given as groups: parameters alone are one. Throws for everything else, and for one listed twice. */
export function groupsOf(params: readonly Tensor[] | readonly ParameterGroup[]): readonly ParameterGroup[] {
  if (!Array.isArray(params)) return refuse(`takes a list of parameters, got ${showGiven(params)}; give model.parameters()`);
  const list: readonly unknown[] = params;
  if (list.length === 0) refuse('got no parameters; give model.parameters() or parameter groups');
  const groups = list.every(isGroup) ? list : [{ params: list as readonly Tensor[] }];
  const seen = new Set<Tensor>();
  for (const [i, group] of groups.entries()) {
    const { params: members, lrMultiplier = 1, weightDecay = 0 } = group;
    if ('lr' in group) refuse(`group ${i} has an lr; groups share the optimiser's, so give lrMultiplier, which is times that`);
    checkOptions(`optimizer group ${i}`, group, ['params', 'lrMultiplier', 'weightDecay']);
    if (!Array.isArray(members) || members.length === 0)
      refuse(`group ${i} has no parameters; groups are { params, lrMultiplier, weightDecay }`);
    checkNumber(`optimizer group ${i}`, { lrMultiplier, weightDecay }, { from: 0 });
    for (const p of members) {
      if (!(p instanceof Tensor)) refuse(`takes tensors, got ${showGiven(p)} in group ${i}; give model.parameters()`);
      if (seen.has(p)) refuse(`a parameter ${showShape(p.shape)} is listed twice, in group ${i} at last`);
      seen.add(p);
    }
  }
  return groups;
}

const isGroup = (value: unknown): value is ParameterGroup =>
  value !== null && typeof value === 'object' && !(value instanceof Tensor) && !(value instanceof Module) && !Array.isArray(value);

function showGiven(value: unknown): string {
  if (value instanceof Module) return 'a Module';
  if (Array.isArray(value) || value instanceof Map) return 'names with tensors';
  return value !== null && typeof value === 'object' ? value.constructor.name || 'a generator' : String(value);
}
