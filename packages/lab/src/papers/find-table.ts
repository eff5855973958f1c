import { InitlabError } from '@initlab/core';
import { cnnInit } from './cnn-init.js';
import { initDesign } from './init-design.js';
import { normDesign } from './norm-design.js';
import type { TableSpec } from './table-spec.js';
import { tenEpochs } from './ten-epochs.js';
import { weightNormInit } from './weightnorm-init.js';

/** The papers' tables, and one of our own. */
export const tables: readonly TableSpec[] = [cnnInit, initDesign, normDesign, weightNormInit, tenEpochs];

/** The table of this id; throws with the known ones. */
export function findTable(id: string): TableSpec {
  const found = tables.find((table) => table.id === id);
  if (!found) throw new InitlabError(`there is no table "${id}"; the tables are ${tables.map((table) => table.id).join(', ')}`);
  return found;
}
