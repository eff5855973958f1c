import { readFile, writeFile } from 'node:fs/promises';
import { InitlabError } from '@initlab/core';
import { assetFile } from '../asset-file.js';
import { diskReason } from '../run/run-error.js';

export type PluginKind = 'init' | 'norm';

/** Writes a commented start of an initialisation or a norm. Never overwrites a file. */
export async function newPlugin(kind: PluginKind, file: string): Promise<void> {
  if (!/\.[cm]?[jt]s$/.test(file)) throw new InitlabError(`${file}: a plug-in is TypeScript or JavaScript; choose a name that ends in .ts`);
  const source = assetFile(`templates/${kind}.ts`);
  if (!source) throw new InitlabError(`the template templates/${kind}.ts is missing beside the command; install @initlab/lab anew`);
  const template = await readFile(source, 'utf8');
  try {
    await writeFile(file, template, { flag: 'wx' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'EEXIST'
        ? 'is there already; choose another name'
        : code === 'ENOENT'
          ? 'its folder does not exist'
          : `cannot be written: ${diskReason(cause)}`;
    throw new InitlabError(`${file}: ${reason}`, { cause });
  }
}
