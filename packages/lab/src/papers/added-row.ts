import path from 'node:path';
import { InitlabError } from '@initlab/core';
import type { RowSpec, TableSpec } from './table-spec.js';

/**
 * Rows of one's own, a file each, which sets what the table's rows differ in. A row is named by its file; where the table or
 * another file has that name, by the path as it was given. Throws InitlabError for a file that is given twice.
 */
export function addedRows(table: TableSpec, files: readonly string[]): RowSpec[] {
  const { adds } = table;
  if (files.length > 0 && !adds)
    throw new InitlabError(
      `--add ${files[0]}: the rows of ${table.id} differ in more than one thing; init-design takes initialisations, norm-design norms`,
    );
  const twice = files.find((file, i) => files.findIndex((other) => path.resolve(other) === path.resolve(file)) < i);
  if (twice !== undefined) throw new InitlabError(`--add ${twice}: is given twice`);
  const own = table.parts.flatMap(({ rows }) => rows.map(({ name }) => name));
  const short = files.map(shortName);
  return files.map((file, i) => {
    const name = short[i] as string;
    const taken = own.includes(name) || short.some((other, j) => j !== i && other === name);
    const given = /[\\/]/.test(file) ? file : `./${file}`;
    return { name: taken ? given : name, settings: adds ? { [adds]: given } : {}, note: `from ${file}` };
  });
}

const shortName = (file: string): string => path.basename(file).replace(/\.[cm]?[jt]s$/, '');
