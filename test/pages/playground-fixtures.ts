import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Device } from '@initlab/core';
import { loadDataset } from '@initlab/data/node';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { labCommand, ownFile } from '../../apps/playground/src/lab-command.js';
import { codeKinds, defaultSettings, type Settings } from '../../apps/playground/src/settings.js';
import { weightsChecksum } from '../../apps/playground/src/weights-checksum.js';
import { chooseInitializer, chooseNorm } from '../../packages/lab/src/plugins/index.js';
import { trainConfig, trainConfigSchema } from '../../packages/lab/src/train/train-config.js';
import { Training } from '../../packages/lab/src/train/training.js';
import { initlab } from '../support/cli.js';

/** Two small nets: their kernels are soon compiled. */
export const small: Settings = {
  ...defaultSettings,
  a: { net: 'mlp8-64', init: 'kaiming-fan-in', norm: 'none', lr: 0.05 },
  b: { net: 'mlp8-64', init: 'lecun', norm: 'none', lr: 0.05 },
  batchSize: 16,
  seed: 7,
};
/** The line that says what the page does. */
export const status = (page: Page) => page.getByRole('status');
/** Both nets stand there, not trained yet. */
export const ready = (page: Page): Promise<void> =>
  expect.poll(() => status(page).textContent(), { timeout: 100_000 }).toMatch(/^ready, step 0/);

/** Checksum of A's weights as the command that the page offers makes them, run in the folder `root`. */
export async function labChecksum(settings: Settings, { root, device }: { root: string; device: Device }): Promise<string> {
  const out = path.join(mkdtempSync(path.join(root, 'run-')), 'run');
  for (const kind of codeKinds) writeFileSync(path.join(root, ownFile[kind]), settings.code[kind]);
  const args = labCommand(settings, 'a').split(' ').slice(2);
  const { status, stderr } = await initlab([...args, '--max-steps', '1', '--limit', '32', '--quiet', '--out', out], { cwd: root });
  expect(status, stderr).toBe(0);
  const stored = Object.entries(JSON.parse(readFileSync(path.join(out, 'config.json'), 'utf8')));
  const config = trainConfig(Object.fromEntries(stored.filter(([name]) => name in trainConfigSchema.shape)), { origin: 'test' });
  if (config.dataset === 'folder') throw new Error('the playground offers no folders');
  const dataset = await loadDataset(config.dataset);
  const file = (name: string): string => (name.startsWith('./') ? path.join(root, name) : name);
  const [initializer, norm] = [await chooseInitializer(file(config.init)), await chooseNorm(file(config.norm))];
  const parts = { config, dataset, device, initializer, norm };
  const training = await Training.create(parts);
  const checksum = await weightsChecksum(training.model);
  training.dispose();
  return checksum;
}
