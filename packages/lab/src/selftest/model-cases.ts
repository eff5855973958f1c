import { InitlabError } from '@initlab/core';
import * as z from 'zod';
import { readGivenJson } from '../files/given-file.js';
import { toldFaults } from '../files/told-fault.js';

const numbers = z.array(z.number());
const modelSchema = z.object({
  num_parameters: z.number(),
  batch: z.number(),
  classes: z.number(),
  logits_train: z.array(numbers),
  loss: z.number(),
  parameters: z.array(z.object({ name: z.string(), shape: numbers, grad_norm: z.number(), grad_head: numbers })),
  buffers: z.array(z.object({ name: z.string(), shape: numbers, head: numbers })),
  logits_eval_after_step0_statistics: z.array(numbers),
  losses: numbers,
  global_grad_norm: z.number(),
  /** What PyTorch's own float32 misses float64 by on this case: the yardstick of the bounds. */
  pytorch_f32_error: z.object({
    logits_train: z.number(),
    loss: z.number(),
    grad_norm: z.number(),
    grad_head: z.number(),
    logits_eval: z.number(),
    losses: numbers,
  }),
});
const fileSchema = z.object({ torch: z.string(), base_seed: z.number(), models: z.record(z.string(), modelSchema) });

export type ModelCase = z.infer<typeof modelSchema>;
export type ModelCases = z.infer<typeof fileSchema>;

export async function loadModelCases(path: string): Promise<ModelCases> {
  const parsed = fileSchema.safeParse(await readGivenJson(path));
  if (!parsed.success) throw new InitlabError(`${path}: not a file of model cases: ${toldFaults(parsed.error)}`);
  return parsed.data;
}

/** `wrn16-2-wn-c10` → the zoo's name, its norm and the number of classes. */
export function parseModelKey(key: string): { name: string; numClasses: number; norm?: string } {
  const found = /^(.+?)-c(\d+)$/.exec(key);
  if (!found) throw new InitlabError(`model key ${key} does not end in -c<classes>`);
  const [, full, classes] = found as unknown as [string, string, string];
  const numClasses = Number(classes);
  const norm = /^(wrn.*)-(bn|wn)$/.exec(full);
  if (norm) return { name: norm[1] as string, numClasses, norm: norm[2] === 'bn' ? 'batch' : 'weight' };
  return { name: full, numClasses };
}
