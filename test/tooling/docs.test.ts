import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('every docstring renders with typedoc, without a warning', () => {
  // Everything but the files: links and references are resolved, and a warning is an error (typedoc.json). Whether types fit each
  // other says `npm run check`.
  const typedoc = [path.join(root, 'node_modules/typedoc/bin/typedoc'), '--emit', 'none', '--skipErrorChecking'];
  const run = spawnSync(process.execPath, typedoc, { cwd: root, encoding: 'utf8' });
  expect(run.status, run.stdout + run.stderr).toBe(0);
  expect(run.stdout + run.stderr).not.toMatch(/\[(warning|error)\]/);
}, 300_000);
