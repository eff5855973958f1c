import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { toldFaults } from '../files/told-fault.js';
import { makeFolder, RunError, readSealed, writeSealed } from '../run/index.js';
import { trainConfigSchema } from '../train/train-config.js';
import { findTable } from './find-table.js';
import { type SweepSpec, sweepTable } from './sweep-table.js';
import { scales, type TableSpec } from './table-spec.js';

const value = z.union([z.string(), z.number(), z.boolean()]);
const storedSchema = z.strictObject({
  /** A table's id, or `sweep`. */
  table: z.string(),
  /** Of a sweep of one's own: what it is made of. */
  sweep: z
    .strictObject({ settings: trainConfigSchema.partial(), grid: z.record(z.string(), z.array(value)), seeds: z.array(z.number()) })
    .optional(),
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
/** Folder of a table at a scale, or of a sweep by its content, below the folder of all runs. */
export function tableFolder(root: string, { table, scale, sweep }: Pick<StoredTable, 'table' | 'scale' | 'sweep'>): string {
  if (!sweep) return path.join(root, 'tables', `${table}-${scale}`);
  return path.join(root, 'sweeps', createHash('sha256').update(JSON.stringify(sweep)).digest('hex').slice(0, 12));
}

/** The table that was stored: one of the papers', or the sweep. */
export const tableOf = ({ table, sweep }: StoredTable): TableSpec => (sweep ? sweepTable(sweep as SweepSpec) : findTable(table));

/** Writes it down and answers the table's folder. */
export async function storeTable(root: string, stored: StoredTable): Promise<string> {
  const folder = tableFolder(root, stored);
  await makeFolder(folder);
  // Sealed: two runs exchanged in it would put each other's numbers into the table.
  await writeSealed(path.join(folder, file), stored, { shared: true });
  return folder;
}

/** What was stored of a table at this scale, or at the scale stored last. Throws RunError where there is nothing, or something changed it. */
export async function readStoredTable(root: string, { table, scale }: { table: string; scale?: StoredTable['scale'] | undefined }) {
  const places = (scale ? [scale] : scales).map((each) => path.join(tableFolder(root, { table, scale: each }), file)).filter(existsSync);
  const [latest] = places.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (!latest)
    throw new RunError(
      root,
      `holds no ${table}${scale ? ` at scale ${scale}. Make it with: npx initlab table run ${table} --scale ${scale}` : `. Make it with: npx initlab table run ${table}`}`,
    );
  const parsed = storedSchema.safeParse((await readSealed(latest))?.value);
  if (!parsed.success) throw new RunError(latest, `is not what initlab writes: ${toldFaults(parsed.error)}`);
  return parsed.data;
}
