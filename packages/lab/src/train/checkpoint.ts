import type { Tensor } from '@initlab/core';
import type { Module, Optimizer, SavedTensor } from '@initlab/nn';
import { parseSafetensors, serializeSafetensors } from '@initlab/nn';

/** What a training is besides its configuration: everything that must come back for it to go on bit for bit. */
export interface TrainingState {
  readonly model: Module;
  readonly optimizer: Optimizer;
}

const momentKey = (group: number, moment: number): string => `optimizer.${group}.${moment}`;

/** The state as a safetensors file: parameters and buffers by PyTorch's names, moments beside them. */
export async function encodeTraining({ model, optimizer }: TrainingState, metadata: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const tensors = new Map<string, SavedTensor>();
  for (const [name, x] of model.stateDict()) tensors.set(`model.${name}`, { shape: x.shape, data: (await x.read()) as Float32Array });
  const state = await optimizer.state();
  state.moments.forEach((group, g) => {
    group.forEach((data, m) => {
      tensors.set(momentKey(g, m), { shape: [data.length], data });
    });
  });
  return serializeSafetensors(tensors, { ...metadata, 'initlab.steps': String(state.steps), 'initlab.lr': String(state.lr) });
}

/** Put a saved state back. Throws when the file is another model's. */
export function decodeTraining(bytes: Uint8Array, { model, optimizer }: TrainingState): void {
  const { tensors, metadata } = parseSafetensors(bytes);
  for (const [name, x] of model.stateDict()) restore(x, `model.${name}`, tensors.get(`model.${name}`));
  const moments: Float32Array[][] = [];
  for (let g = 0; tensors.has(momentKey(g, 0)); g++) {
    const group: Float32Array[] = [];
    for (let m = 0; tensors.has(momentKey(g, m)); m++) group.push(tensors.get(momentKey(g, m))?.data as Float32Array);
    moments.push(group);
  }
  optimizer.loadState({ steps: Number(metadata['initlab.steps']), lr: Number(metadata['initlab.lr']), moments });
}

function restore(x: Tensor, name: string, saved: { shape: readonly number[]; data: ArrayLike<number> } | undefined): void {
  if (!saved) throw new Error(`checkpoint: it has no ${name}; it belongs to another model`);
  if (saved.data.length !== x.size)
    throw new Error(`checkpoint: ${name} is [${saved.shape.join(', ')}], the model's is [${x.shape.join(', ')}]`);
  x.set(saved.data);
}
