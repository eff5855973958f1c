import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const own = z.object({ name: z.enum(['@initlab/lab', 'initlab']), version: z.string() });
const packageFile = fileURLToPath(new URL('../package.json', import.meta.url));

/** Of the package; a one-file bundle that was taken out of its checkout has none. */
export function ownVersion(): string {
  try {
    return own.parse(JSON.parse(readFileSync(packageFile, 'utf8'))).version;
  } catch {
    return 'unknown';
  }
}

/** The commit that runs, where this is a checkout: `1a2b3c4d5e6f`, or `1a2b3c4d5e6f with changes`. */
export function ownCommit(): string | undefined {
  const folder = path.dirname(packageFile);
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5000 }).trim();
  try {
    // Installed by npm, it lies in someone else's repository, if in any, where it is not one of its own files.
    if (ownVersion() === 'unknown') return undefined;
    git('ls-files', '--error-unmatch', 'package.json');
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', 'HEAD').slice(0, 12)}${changed ? ' with changes' : ''}`;
  } catch {
    return undefined;
  }
}
