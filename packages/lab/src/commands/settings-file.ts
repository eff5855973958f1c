import { InitlabError } from '@initlab/core';
import { readGivenJson } from '../files/given-file.js';

/** A JSON file of settings given by `--config`. Those of an earlier run may be given as they lie in its folder. */
export async function settingsFile(file: string): Promise<object> {
  const stored = await readGivenJson(file, { name: `--config ${file}` });
  if (stored === null || typeof stored !== 'object' || Array.isArray(stored))
    throw new InitlabError(`--config ${file}: holds no object of settings, such as { "arch": "resnet20", "epochs": 10 }`);
  const { experiment, ...own } = stored as Record<string, unknown>;
  // What a run's config.json has besides its settings.
  for (const key of ['plugins', 'data', 'numerics', 'format', 'copies', 'parent', 'seal']) delete own[key];
  if (experiment !== undefined && experiment !== 'train')
    throw new InitlabError(`--config ${file}: is of a run of "${String(experiment)}", not of train`);
  return own;
}
