import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the data shipped with this package: beside src/, dist/ and bundle/, or beside the one-file bundle. */
export function assetsDir(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const candidates = [path.join(here, '../assets'), path.join(here, 'assets')];
  return candidates.find((folder) => existsSync(path.join(folder, 'fashion-mnist-sample'))) ?? (candidates[0] as string);
}
