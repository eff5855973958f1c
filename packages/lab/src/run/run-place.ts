import { statSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, syncFolder } from './make-folder.js';
import { diskError, RunError } from './run-error.js';
import { runFiles } from './run-files.js';

/** Refuses a folder that holds anything but what a run leaves that failed before its first epoch; that is cleared away. */
export async function checkVacant(folder: string): Promise<void> {
  const present = (
    await readdir(folder).catch((cause: unknown) => {
      throw diskError(folder, cause);
    })
  ).filter((name) => !name.startsWith('.'));
  const { config, metrics, plugins, probes } = runFiles;
  const early = present.every((name) => [config, metrics, plugins, probes].some((known) => known === name));
  if (present.includes(config)) {
    if (!early || (present.includes(metrics) && statSync(path.join(folder, metrics)).size > 0))
      throw new RunError(folder, 'holds a run already. Continue it with --resume, or choose another folder.');
    for (const name of [plugins, probes]) await rm(path.join(folder, name), { recursive: true, force: true });
  } else if (present.length > 0) throw new RunError(folder, 'is not empty. Choose another folder with --out.');
}

/** `2026-05-01T12-30-05-cnn-init`: sorts by time, valid as a file name everywhere. */
export function runId(name: string, now: Date): string {
  return `${now.toISOString().slice(0, 19).replaceAll(':', '-')}-${name.replaceAll(/[^\w.-]+/g, '-')}`;
}

/** Makes a folder nobody has; two runs started in one second get `-2`, `-3`, … */
export async function newFolder(root: string, id: string): Promise<string> {
  await makeFolder(root);
  for (let attempt = 1; ; attempt++) {
    const folder = path.join(root, attempt === 1 ? id : `${id}-${attempt}`);
    try {
      await mkdir(folder);
      await syncFolder(root);
      return folder;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(folder, cause);
    }
  }
}
