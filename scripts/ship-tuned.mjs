#!/usr/bin/env node
/**
 * Take what `initlab tune` found on an adapter into the table that ships with @initlab/kernels. Only winners other than the
 * cost model's first guess are kept: the guess needs no table.
 *
 * usage: node scripts/ship-tuned.mjs FILE.json…   (after `npm run build`; format the result with `npm run format`)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tunedTables } from '@initlab/kernels';

const files = process.argv.slice(2);
if (files.length === 0) throw new Error('usage: node scripts/ship-tuned.mjs FILE.json…');
const tables = { ...tunedTables };
for (const file of files) {
  const { adapter, problems } = JSON.parse(readFileSync(file, 'utf8'));
  const table = { ...tables[adapter] };
  for (const [key, { best, guess }] of Object.entries(problems))
    if (best.variant !== guess.variant) table[key] = best.variant;
    else delete table[key];
  tables[adapter] = Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
  console.log(`${Object.keys(table).length} problems of ${adapter}`);
}
const target = fileURLToPath(new URL('../packages/kernels/src/tuned/tables.ts', import.meta.url));
const [head] = readFileSync(target, 'utf8').split('export const');
writeFileSync(target, `${head}export const tunedTables: Readonly<Record<string, TunedTable>> = ${JSON.stringify(tables, null, 2)};\n`);
console.log(`written to ${target}`);
