import { InitlabError } from '@initlab/core';
import { parseSafetensors } from '@initlab/nn';
import * as z from 'zod';
import { readGivenBytes, readGivenJson } from '../files/given-file.js';
import { toldFaults } from '../files/told-fault.js';

const fillSchema = z.object({ seed: z.number(), scale: z.number().default(1), shift: z.number().default(0) });
const inputSchema = z.object({
  name: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  dtype: z.enum(['f32', 'i32']),
  fill: fillSchema.optional(),
  labels: z.object({ seed: z.number(), classes: z.number() }).optional(),
});
const caseSchema = z.object({
  name: z.string(),
  op: z.string(),
  attrs: z.record(z.string(), z.unknown()),
  inputs: z.array(inputSchema),
  outputs: z.array(z.string()),
  cotangent: fillSchema.optional(),
  grads: z.array(z.string()).default([]),
  grad_seeds: z.array(z.number()).default([]),
  grad_scale: z.number().default(1),
});
const fileSchema = z.object({ torch: z.string(), cases: z.array(caseSchema) });

export type OpCase = z.infer<typeof caseSchema>;

/** Cases with the values PyTorch gave, by `<case>/<output>` and `<case>/grad/<input>`. */
export interface OpCases {
  readonly torch: string;
  readonly cases: readonly OpCase[];
  expected(key: string): Float32Array;
}

/** Read a case file and the safetensors file beside it (same name). */
export async function loadOpCases(path: string): Promise<OpCases> {
  const parsed = fileSchema.safeParse(await readGivenJson(path));
  if (!parsed.success) throw new InitlabError(`${path}: not a file of op cases: ${toldFaults(parsed.error)}`);
  const valuesPath = path.replace(/\.json$/, '.safetensors');
  const bytes = await readGivenBytes(valuesPath);
  const values = parseSafetensors(bytes);
  return {
    ...parsed.data,
    expected: (key) => {
      const found = values.tensors.get(key);
      if (!found) throw new InitlabError(`${valuesPath}: has no value ${key}`);
      return found.data as Float32Array;
    },
  };
}
