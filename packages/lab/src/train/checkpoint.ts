import type { Tensor } from '@initlab/core';
import { InitlabError } from '@initlab/core';
import type { ResidentDataset } from '@initlab/data';
import {
  decodeOptimizer,
  encodeOptimizer,
  loadStateDict,
  type Module,
  type Optimizer,
  parseSafetensors,
  RandomModule,
  readStateDict,
  type SavedTensor,
  serializeSafetensors,
} from '@initlab/nn';

/** What a training is besides its configuration: everything that must come back for it to go on bit for bit. */
export interface CheckpointParts {
  readonly model: Module;
  readonly optimizer: Optimizer;
  /** The training images: their augmentation counts its batches. */
  readonly train: ResidentDataset;
  /** Further tensors of the loop, by name. */
  readonly extra?: Readonly<Record<string, Tensor>>;
}

const modelPrefix = 'model.';
const keys = { dataset: 'initlab.batches', dropout: 'initlab.dropoutSteps' };
/** Layers that draw random numbers, whose uses are counted. */
const randomLayers = (model: Module): RandomModule[] => model.modules().filter((m): m is RandomModule => m instanceof RandomModule);

/** The state as a safetensors file: parameters and buffers by PyTorch's names, moments beside them. */
export async function encodeTraining(state: CheckpointParts, metadata: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const { model, optimizer, train, extra = {} } = state;
  const tensors = new Map<string, SavedTensor>();
  const save = async (name: string, x: Tensor): Promise<void> => {
    tensors.set(name, { shape: x.shape, data: (await x.read()) as Float32Array });
  };
  for (const [name, saved] of await readStateDict(model)) tensors.set(`${modelPrefix}${name}`, saved);
  for (const [name, x] of Object.entries(extra)) await save(`loop.${name}`, x);
  const saved = encodeOptimizer(await optimizer.state());
  return serializeSafetensors(new Map([...tensors, ...saved.tensors]), {
    ...metadata,
    ...saved.metadata,
    [keys.dataset]: String(train.step),
    [keys.dropout]: JSON.stringify(randomLayers(model).map(({ step }) => step)),
  });
}

/** Put a saved state back; answers the metadata. Throws when the file is another training's. */
export function decodeTraining(
  bytes: Uint8Array,
  { model, optimizer, train, extra = {} }: CheckpointParts,
): Readonly<Record<string, string>> {
  const { tensors, metadata } = parseSafetensors(bytes);
  const own = [...tensors]
    .filter(([name]) => name.startsWith(modelPrefix))
    .map(([name, x]) => [name.slice(modelPrefix.length), x] as const);
  loadStateDict(model, new Map(own));
  for (const [name, x] of Object.entries(extra)) restore(x, `loop.${name}`, tensors.get(`loop.${name}`));
  optimizer.loadState(decodeOptimizer({ tensors, metadata }, { groups: optimizer.groupCount }));
  train.step = Number(metadata[keys.dataset] ?? 0);
  const steps = JSON.parse(metadata[keys.dropout] ?? '[]') as number[];
  randomLayers(model).forEach((layer, i) => {
    layer.step = steps[i] ?? 0;
  });
  return metadata;
}

function restore(x: Tensor, name: string, saved: { shape: readonly number[]; data: ArrayLike<number> } | undefined): void {
  if (!saved) throw new InitlabError(`checkpoint: it has no ${name}; it belongs to another model`);
  if (saved.data.length !== x.size)
    throw new InitlabError(`checkpoint: ${name} is [${saved.shape.join(', ')}], the model's is [${x.shape.join(', ')}]`);
  x.set(saved.data);
}
