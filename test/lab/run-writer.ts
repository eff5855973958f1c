/** Trains nothing, as fast as it can, in the run folder given, until it is killed. Started by runs.test.ts. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { RunFolder } from '@initlab/lab';
import { stubCheckpoint } from './safetensors-stub.js';

const folder = process.argv[2] as string;
const config = { seed: 1 };
const run = existsSync(path.join(folder, 'config.json'))
  ? await RunFolder.resume(folder, { config })
  : await RunFolder.create({ folder, config, name: 'kill' });
let step = Number(run.checkpoint?.metadata.step ?? 0);
for (;;) {
  for (let i = 0; i < 5; i++) run.logMetrics({ step: step++, loss: 1 / (step + 1) });
  await run.saveCheckpoint((metadata) => stubCheckpoint({ ...metadata, step: String(step) }, 200_000));
  process.send?.(step);
}
