#!/usr/bin/env node
/**
 * Bundles the `initlab` command with everything it imports, except `webgpu` (and `esbuild`, for plug-ins), into one file: dist/initlab.mjs, for
 * machines without a network. The file needs Node 20 and a `webgpu` package in a node_modules folder beside or above it.
 * Folders of data that packages read at run time (their `assets/`) are copied to dist/assets/.
 *
 * usage: node scripts/bundle.mjs [--minify]
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const entry = path.join(root, 'packages/lab/src/cli.ts');
const outfile = path.join(root, 'dist/initlab.mjs');
if (!existsSync(entry)) {
  console.error(`bundle: there is no ${path.relative(root, entry)}`);
  process.exit(1);
}

// CommonJS packages within ask for Node's own modules with `require`, which ES modules lack.
const requireShim = "import { createRequire as initlabRequire } from 'node:module';\nconst require = initlabRequire(import.meta.url);";
// esbuild keeps the entry's own first line, if it has one.
const shebang = readFileSync(entry, 'utf8').startsWith('#!') ? '' : '#!/usr/bin/env node\n';

await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  conditions: ['@initlab/source'],
  external: ['webgpu', 'esbuild'],
  minify: process.argv.includes('--minify'),
  legalComments: 'eof',
  banner: { js: `${shebang}${requireShim}` },
  logLevel: 'warning',
});
chmodSync(outfile, 0o755);

// Benchmarks on machines without git say by it what they measured.
const git = (...args) => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
const commit = git('rev-parse', '--short', 'HEAD');
const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'packages').stdout;
if (commit.status === 0) writeFileSync(path.join(root, 'dist/commit.txt'), `${commit.stdout.trim()}${changed ? '-dirty' : ''}\n`);

// The reference values of `initlab selftest` are taken from the tests' folder.
await import('./copy-parity.mjs');
await import('./build-page.mjs');
const assets = path.join(root, 'dist/assets');
rmSync(assets, { recursive: true, force: true });
for (const name of readdirSync(path.join(root, 'packages')).sort()) {
  const from = path.join(root, 'packages', name, 'assets');
  if (!existsSync(from)) continue;
  mkdirSync(assets, { recursive: true });
  cpSync(from, assets, { recursive: true, errorOnExist: true, force: false });
}
console.log(`${path.relative(root, outfile)}: ${(statSync(outfile).size / 1024).toFixed(0)} KiB`);
