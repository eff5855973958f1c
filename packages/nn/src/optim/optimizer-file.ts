import { OpError } from '@initlab/core';
import { checkObject, checkOptions, showValue } from '@initlab/core/internal';
import { parseSafetensors, type SafetensorsFile } from '../safetensors/parse.js';
import { type SavedTensor, serializeSafetensors } from '../safetensors/serialize.js';
import { Optimizer } from './optimizer.js';
import type { GroupLayout, OptimizerState } from './optimizer-state.js';

const keys = { steps: 'initlab.steps', lr: 'initlab.lr', missed: 'initlab.missedSteps', groups: 'initlab.groups' };
const momentKey = (group: number, moment: number): string => `optimizer.${group}.${moment}`;

/** An optimiser's state as tensors and metadata of a safetensors file, which may hold other things beside them. */
export function encodeOptimizer(state: OptimizerState): {
  tensors: Map<string, SavedTensor>;
  metadata: Record<string, string>;
} {
  checkObject('encodeOptimizer', 'what optimizer.state() resolves to', state);
  const { steps, lr, moments, missed, groups } = state;
  if (!(moments as unknown[] | undefined)?.every((group) => Array.isArray(group)))
    throw new OpError('encodeOptimizer', `moments are ${showValue(moments)}; give what optimizer.state() resolves to`);
  const tensors = new Map<string, SavedTensor>();
  moments.forEach((group, g) => {
    group.forEach((moment, m) => {
      tensors.set(momentKey(g, m), { shape: [moment.length], data: Float32Array.from(moment) });
    });
  });
  const metadata = {
    [keys.steps]: String(steps),
    [keys.lr]: String(lr),
    ...(missed ? { [keys.missed]: JSON.stringify(missed) } : {}),
    ...(groups ? { [keys.groups]: JSON.stringify(groups) } : {}),
  };
  return { tensors, metadata };
}

/** The inverse of `encodeOptimizer`, for an optimiser of `groups` parameter groups. */
export function decodeOptimizer(file: SafetensorsFile, options: { groups: number }): OptimizerState {
  checkObject('decodeOptimizer', 'what parseSafetensors gives', file);
  checkOptions('decodeOptimizer', options, ['groups']);
  const { tensors, metadata } = file;
  if (!(tensors instanceof Map) || !metadata)
    throw new OpError('decodeOptimizer', 'takes what parseSafetensors gives: { tensors, metadata }');
  const { groups } = options;
  if (metadata[keys.steps] === undefined)
    throw new OpError('loadOptimizer', 'the file holds no optimiser; loadStateDict reads a model’s, and saveOptimizer writes one');
  const moments: ArrayLike<number>[][] = [];
  // One without moments still has its groups.
  for (let g = 0; tensors.has(momentKey(g, 0)) || g < groups; g++) {
    const group: ArrayLike<number>[] = [];
    for (let m = 0; ; m++) {
      const moment = tensors.get(momentKey(g, m));
      if (!moment) break;
      group.push(moment.data);
    }
    moments.push(group);
  }
  const steps = numberOf(metadata, keys.steps);
  if (!Number.isSafeInteger(steps)) throw damaged(keys.steps, metadata[keys.steps]);
  const missed = missedSteps(metadata[keys.missed], steps);
  const layouts = layoutsOf(metadata[keys.groups]);
  return { steps, lr: numberOf(metadata, keys.lr), moments, ...(missed ? { missed } : {}), ...(layouts ? { groups: layouts } : {}) };
}

const damaged = (key: string, found: string | undefined): OpError =>
  new OpError(
    'loadOptimizer',
    `the file's ${key} is ${found === undefined ? 'not there' : JSON.stringify(found.slice(0, 80))}; it was changed or damaged`,
  );

/** A finite number from 0, as `String` writes it. */
function numberOf(metadata: Readonly<Record<string, string>>, key: string): number {
  const text = metadata[key];
  const value = Number(text);
  if (text === undefined || !Number.isFinite(value) || value < 0 || String(value) !== text) throw damaged(key, text);
  return value;
}

function parsed(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(key, text);
  }
}

/** Files of earlier versions have none. */
function layoutsOf(text: string | undefined): OptimizerState['groups'] {
  if (text === undefined) return undefined;
  const layouts = parsed(keys.groups, text);
  const isLayout = (group: GroupLayout | undefined): boolean => Array.isArray(group?.names) && Array.isArray(group.sizes);
  if (!Array.isArray(layouts) || !layouts.every(isLayout)) throw damaged(keys.groups, text);
  return layouts;
}

function missedSteps(text: string | undefined, steps: number): number[][] | undefined {
  if (text === undefined) return undefined;
  const missed = parsed(keys.missed, text);
  const isCount = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) <= steps;
  if (!Array.isArray(missed) || !missed.every((group) => Array.isArray(group) && group.every(isCount))) throw damaged(keys.missed, text);
  return missed as number[][];
}

function checkOptimizer(op: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (!(optimizer instanceof Optimizer)) throw new OpError(op, `takes an optimiser, such as new SGD(…), got ${showValue(optimizer)}`);
}

/**
 * An optimiser's state as a safetensors file (PyTorch: `torch.save(optimizer.state_dict(), …)`): moments, steps and rate.
 * The parameters are the model's: `saveStateDict`.
 */
export async function saveOptimizer(optimizer: Optimizer): Promise<Uint8Array<ArrayBuffer>> {
  checkOptimizer('saveOptimizer', optimizer);
  const { tensors, metadata } = encodeOptimizer(await optimizer.state());
  return serializeSafetensors(tensors, metadata);
}

/** Put a file of `saveOptimizer` back: an optimiser of the same kind and parameters goes on where that one stood. */
export function loadOptimizer(optimizer: Optimizer, bytes: Uint8Array): void {
  checkOptimizer('loadOptimizer', optimizer);
  optimizer.loadState(decodeOptimizer(parseSafetensors(bytes), { groups: optimizer.groupCount }));
}
