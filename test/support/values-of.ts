import type { Parameter } from '@initlab/nn';

/** What parameters hold, each as a list. */
export async function valuesOf(parameters: readonly Parameter[]): Promise<number[][]> {
  const read: number[][] = [];
  for (const p of parameters) read.push([...(await p.read())]);
  return read;
}
