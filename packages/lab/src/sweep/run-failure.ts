import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { makeFolder, replaceFile } from '../run/index.js';

const failureFile = '.failed.json';
const failureSchema = z.object({ why: z.string() });

/** Leaves in a run's folder why it could not be made, for reports of other processes. What cannot be written is lost: it was told. */
export async function noteFailure(folder: string, why: string): Promise<void> {
  try {
    await makeFolder(path.dirname(folder));
    await makeFolder(folder);
    await replaceFile(path.join(folder, failureFile), `${JSON.stringify({ why })}\n`, { shared: true });
  } catch {
    // The disk that is full may be the failure itself.
  }
}

/** Why a run could not be made when it was last tried; undefined where it was not tried, or goes on. */
export function failureOf(folder: string): string | undefined {
  const file = path.join(folder, failureFile);
  try {
    return existsSync(file) ? failureSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).why : undefined;
  } catch {
    return undefined;
  }
}

/** It is tried again. */
export const forgetFailure = (folder: string): Promise<void> => rm(path.join(folder, failureFile), { force: true });
