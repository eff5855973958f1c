#!/usr/bin/env node
/** Copies the reference values that `initlab selftest` reads into @initlab/lab, before it is packed. */
import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const from = fileURLToPath(new URL('../test/parity/', import.meta.url));
const to = fileURLToPath(new URL('../packages/lab/assets/parity/', import.meta.url));
mkdirSync(to, { recursive: true });
for (const name of ['ops.json', 'ops.safetensors', 'tensors.json', 'layers.json', 'models.json', 'fig1.json'])
  cpSync(from + name, to + name);
