import { InitlabError } from '@initlab/core';
import { z } from 'zod';
import { readGivenJson } from '../files/given-file.js';
import { toldFaults } from '../files/told-fault.js';

const numbers = z.array(z.union([z.number(), z.string()]));
const inputSchema = z.object({
  shape: z.array(z.number().int().nonnegative()),
  scale: z.number().default(1),
  shift: z.number().default(0),
  /** Whole numbers, i32 and without gradient, instead of a fill. */
  index: z.array(z.number().int()).optional(),
});
const caseSchema = z.object({
  op: z.string(),
  attrs: z.record(z.string(), z.unknown()),
  inputs: z.array(inputSchema),
  /** All inputs are 0. */
  zero: z.boolean().default(false),
  shapes: z.array(z.array(z.number())),
  values: z.array(numbers),
  grads: z.array(numbers),
  second: numbers.nullable(),
});
const fileSchema = z.object({ torch: z.string(), cases: z.array(caseSchema) });

/** A function of tensors with PyTorch's values, first and second gradients; test/parity/parity_fill.py tells the inputs. */
export type FunctionCase = z.infer<typeof caseSchema>;

export async function loadFunctionCases(path: string): Promise<z.infer<typeof fileSchema>> {
  const parsed = fileSchema.safeParse(await readGivenJson(path));
  if (!parsed.success) throw new InitlabError(`${path}: not a file of function cases: ${toldFaults(parsed.error)}`);
  return parsed.data;
}

/** The function, its options and the shapes of its operands. */
export const nameOf = ({ op, attrs, inputs }: FunctionCase): string =>
  `${op} ${[...Object.entries(attrs).map(([key, value]) => `${key}=${JSON.stringify(value)}`), inputs.map(({ shape }) => `[${shape}]`).join('·')].join(' ')}`;
