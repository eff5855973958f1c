import { InitlabError } from '@initlab/core';
import { assetFile, repositoryFile } from '../asset-file.js';

/** A reference file shipped with the package (made by scripts/copy-parity.mjs from test/parity), or the repository's own. */
export function parityFile(name: string): string {
  const found = assetFile(`parity/${name}`) ?? repositoryFile(`test/parity/${name}`);
  if (!found) throw new InitlabError(`the reference file ${name} was not found; pass --ops FILE.json or --models FILE.json`);
  return found;
}
