#!/usr/bin/env node
/**
 * Writes packages/<name>/bundle from dist: what each entry of a package's exports reaches within that package, in one file, and what
 * entries share in another. Node takes these (the condition `node` in each package.json), since it spends a millisecond on every
 * module it loads and the `initlab` command has hundreds; bundlers for browsers take dist, module by module, and leave out what is
 * not used. Packages import each other by name as before, so that a class or a device is one however it is reached.
 *
 * usage: node scripts/bundle-packages.mjs
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));
/** Packages that are many small modules themselves, of which no one else in the process has to have the same copy. */
const within = new Set(['vega', 'vega-lite', 'zod']);
const modules = `${path.sep}node_modules${path.sep}`;

/** Leaves imports of other packages as they are, but for those of `within` and what these import. */
const byName = {
  name: 'by-name',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^./]/ }, ({ path: name, kind, importer }) =>
      kind === 'entry-point' || within.has(name.split('/')[0]) || importer.includes(modules) ? undefined : { path: name, external: true },
    );
  },
};

/** What the authors of the packages within ask to stand beside every copy of them. */
function licensesOf(inputs) {
  const folders = new Set(inputs.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  return [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${folder} has no file with its licence`);
    return `${name} ${version}\n\n${readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
  });
}

await Promise.all(
  readdirSync(packages).map(async (name) => {
    const folder = path.join(packages, name);
    const { exports, bin = {} } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const entries = Object.values(exports).flatMap((conditions) => conditions.node ?? []);
    if (Object.keys(bin).length > 0) entries.push('./bundle/cli.js');
    // Chunks are named by what they hold: those of an earlier build would stay.
    rmSync(path.join(folder, 'bundle'), { recursive: true, force: true });
    const { metafile } = await build({
      absWorkingDir: folder,
      entryPoints: entries.map((entry) => entry.replace('./bundle/', './dist/')),
      outdir: 'bundle',
      bundle: true,
      splitting: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // A name that stands in several modules is numbered; classes and functions are to say their own all the same.
      keepNames: true,
      // Without the sources, which the package has beside: INITLAB_DEBUG shows a stack by them.
      sourcemap: true,
      sourcesContent: false,
      legalComments: 'eof',
      metafile: true,
      tsconfigRaw: {},
      plugins: [byName],
      logLevel: 'warning',
    });
    const licenses = licensesOf(Object.keys(metafile.inputs).map((file) => path.resolve(folder, file)));
    if (licenses.length > 0) writeFileSync(path.join(folder, 'bundle/LICENSES.txt'), licenses.join(`\n${'-'.repeat(80)}\n\n`));
  }),
);
