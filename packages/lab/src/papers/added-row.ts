import path from 'node:path';
import { InitlabError } from '@initlab/core';
import type { RowSpec, TableSpec } from './table-spec.js';

/** A row of one's own from a file: named by the file, it sets what the table's rows differ in. */
export function addedRow(table: TableSpec, file: string): RowSpec {
  if (!table.adds)
    throw new InitlabError(
      `--add ${file}: the rows of ${table.id} differ in more than one thing; init-design takes initialisations, norm-design norms`,
    );
  const given = /[\\/]/.test(file) ? file : `./${file}`;
  return { name: path.basename(file).replace(/\.[cm]?[jt]s$/, ''), settings: { [table.adds]: given }, note: `from ${file}` };
}
