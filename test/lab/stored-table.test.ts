import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RunError, readStoredTable, type StoredTable, storeTable } from '@initlab/lab';
import { expect, it } from 'vitest';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();
const run = (row: string, key: string) => ({ part: 'results', row, column: 'fashion-mnist', seed: 0, key });
const stored: StoredTable = { table: 'cnn-init', scale: 'smoke', added: [], runs: [run('default', 'aa11'), run('zero', 'bb22')] };

it('what a table was made of is read as written, and refused by its file where it was changed', async () => {
  const file = path.join(await storeTable(root, stored), 'table.json');
  expect(await readStoredTable(root, stored)).toEqual(stored);
  const text = readFileSync(file, 'utf8');
  for (const changed of [
    // Still a table, with each other's numbers in the rows.
    text.replace('aa11', 'xxxx').replace('bb22', 'aa11').replace('xxxx', 'bb22'),
    text.replace('"seed": 0', '"seed": 1'),
    text.replace('smoke', 'full'),
    text.slice(0, 40),
    '',
    '{}',
    '[]',
  ]) {
    writeFileSync(file, changed);
    const refused = readStoredTable(root, stored);
    await expect(refused).rejects.toThrow(RunError);
    await expect(refused).rejects.toThrow(file);
  }
  writeFileSync(file, text);
  expect(await readStoredTable(root, stored)).toEqual(stored);
});
