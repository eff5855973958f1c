import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { replaceFile, RunError } from '../run/index.js';
import { scales } from './table-spec.js';

const storedSchema = z.strictObject({
  table: z.string(),
  scale: z.enum(scales),
  seeds: z.array(z.number()).optional(),
  rows: z.array(z.string()).optional(),
  columns: z.array(z.string()).optional(),
  parts: z.array(z.string()).optional(),
  /** Rows of one's own: name and file. */
  added: z.array(z.strictObject({ name: z.string(), file: z.string() })),
  /** Which run is whose: results can be read without the data and the files that made them. */
  runs: z.array(z.strictObject({ part: z.string(), row: z.string(), column: z.string(), seed: z.number(), key: z.string() })),
});

/** What a table was last made of, as its folder says. */
export type StoredTable = Readonly<z.infer<typeof storedSchema>>;

const file = 'table.json';
/** Folder of a table at a scale, below the folder of all runs. */
export const tableFolder = (root: string, { table, scale }: Pick<StoredTable, 'table' | 'scale'>): string =>
  path.join(root, 'tables', `${table}-${scale}`);

/** Writes it down and answers the table's folder. */
export async function storeTable(root: string, stored: StoredTable): Promise<string> {
  const folder = tableFolder(root, stored);
  await mkdir(folder, { recursive: true });
  await replaceFile(path.join(folder, file), `${JSON.stringify(stored, null, 2)}\n`);
  return folder;
}

/** What was stored of a table at this scale, or at the scale that was stored last. Throws RunError where there is nothing. */
export async function readStoredTable(root: string, { table, scale }: { table: string; scale?: StoredTable['scale'] | undefined }) {
  const places = (scale ? [scale] : scales).map((each) => path.join(tableFolder(root, { table, scale: each }), file)).filter(existsSync);
  const [latest] = places.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (!latest) throw new RunError(root, `holds no ${table}${scale ? ` at scale ${scale}` : ''}. Make it with: initlab table run ${table}`);
  const parsed = storedSchema.safeParse(JSON.parse(await readFile(latest, 'utf8')));
  if (!parsed.success) throw new RunError(latest, `is not what initlab writes: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
