#!/usr/bin/env node
/** Bundles the page of `initlab ui` (packages/lab/page) into packages/lab/assets/ui, where the command and the package take it. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const lab = fileURLToPath(new URL('../packages/lab/', import.meta.url));
await build({
  entryPoints: { page: `${lab}page/main.tsx` },
  outdir: `${lab}assets/ui`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'eof',
  tsconfigRaw: {},
  logLevel: 'warning',
});
