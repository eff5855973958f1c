import { readFile } from 'node:fs/promises';
import { InitlabError } from '@initlab/core';
import * as z from 'zod';
import { parityFile } from '../selftest/parity-files.js';
import type { NormRatios } from './norm-ratios.js';

const direction = z.object({ log_mean: z.array(z.number()), log_std_over_draws: z.array(z.number()) });
const fileSchema = z.object({ draws: z.number(), curves: z.record(z.string(), z.object({ forward: direction, backward: direction })) });
export type NormRatioReference = z.infer<typeof fileSchema>;

/** test/parity/fig1.json, or what was shipped of it. */
export const loadNormRatioReference = async (): Promise<NormRatioReference> =>
  fileSchema.parse(JSON.parse(await readFile(parityFile('fig1.json'), 'utf8')));

/** How far a curve lies from the reference. */
export interface NormRatioCheck {
  readonly name: string;
  readonly passed: boolean;
  /** Largest deviation of a layer, in units of what is allowed. */
  readonly worst: number;
  /** Where: `forward, layer 12`. */
  readonly where: string;
}

/** Mean over networks, layer by layer. */
export const meanOver = (curves: readonly (readonly number[])[]): number[] =>
  (curves[0] ?? []).map((_, l) => curves.reduce((sum, curve) => sum + (curve[l] as number), 0) / curves.length);

/** The reference's rule: n networks agree within 4 · log_std / √n + 0.03 of the mean logarithm at every layer. */
export function checkNormRatios(
  name: string,
  { networks, reference }: { networks: readonly NormRatios[]; reference: NormRatioReference },
): NormRatioCheck {
  const expected = reference.curves[name];
  if (!expected) throw new InitlabError(`fig1.json has no curve ${name}`);
  let worst = 0;
  let where = '';
  for (const key of ['forward', 'backward'] as const) {
    const means = meanOver(networks.map((n) => n[key]));
    const { log_mean, log_std_over_draws } = expected[key];
    if (means.length !== log_mean.length)
      throw new InitlabError(`${name}: ${means.length} layers ${key}, the reference has ${log_mean.length}`);
    means.forEach((mean, l) => {
      const allowed = (4 * (log_std_over_draws[l] as number)) / Math.sqrt(networks.length) + 0.03;
      const share = Math.abs(mean - (log_mean[l] as number)) / allowed;
      if (share <= worst) return;
      worst = share;
      where = `${key}, layer ${l + 1}`;
    });
  }
  return { name, passed: worst <= 1, worst, where };
}
