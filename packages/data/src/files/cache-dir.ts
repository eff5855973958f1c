import { homedir } from 'node:os';
import path from 'node:path';

/** Folder that downloaded datasets are kept in: `$INITLAB_DATA`, else `$XDG_CACHE_HOME/initlab`, else `~/.cache/initlab`. */
export function dataCacheDir(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.INITLAB_DATA) return path.resolve(environment.INITLAB_DATA);
  return path.join(environment.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'initlab');
}
