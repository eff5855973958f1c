import { InitlabError } from '@initlab/core';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assetFile } from '../asset-file.js';

/** A reference file shipped with the package (made by scripts/copy-parity.mjs from test/parity), or the repository's own. */
export function parityFile(name: string): string {
  const own = fileURLToPath(new URL(`../../../../test/parity/${name}`, import.meta.url));
  const found = assetFile(`parity/${name}`) ?? (existsSync(own) ? own : undefined);
  if (!found) throw new InitlabError(`the reference file ${name} was not found; pass --ops FILE.json or --models FILE.json`);
  return found;
}
