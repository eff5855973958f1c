#!/usr/bin/env node
/**
 * The playground (apps/playground): static files, built into its `dist` and served on this machine alone.
 *
 * usage: node scripts/playground.mjs [--build] [--port N]     --build: only build; default port 8181
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, context, transform } from 'esbuild';
import { packModule } from './pack-kernels.mjs';

const app = fileURLToPath(new URL('../apps/playground/', import.meta.url));
const { values } = parseArgs({ options: { build: { type: 'boolean' }, port: { type: 'string', default: '8181' } } });

/** The kernels as bundlers take them from the package: their WGSL without comments and spaces. */
const packed = {
  name: 'packed-kernels',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]packages[\\/]kernels[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', target: 'es2022', tsconfigRaw: {} });
      // As TypeScript, whose imports of `.js` are of `.ts` beside it.
      return { contents: packModule(code), loader: 'ts' };
    });
  },
};

const options = {
  entryPoints: {
    page: `${app}src/page/main.tsx`,
    'training-worker': `${app}src/worker/training-worker.ts`,
    'scratch-worker': `${app}src/worker/scratch-worker.ts`,
  },
  outdir: `${app}dist`,
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  conditions: ['@initlab/source'],
  plugins: [packed],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  loader: { '.gz': 'file' },
  assetNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  legalComments: 'linked',
  // Types-only configuration of the workspace is no business of the bundle.
  tsconfigRaw: {},
  logLevel: 'warning',
};

await rm(options.outdir, { recursive: true, force: true });
await mkdir(options.outdir, { recursive: true });
await copyFile(`${app}index.html`, `${options.outdir}/index.html`);
if (values.build) await build(options);
else {
  const made = await context(options);
  await made.rebuild();
  try {
    const { port } = await made.serve({ servedir: options.outdir, host: '127.0.0.1', port: Number(values.port) });
    console.log(`The playground: http://localhost:${port}/ in a browser with WebGPU; Ctrl-C ends it.`);
  } catch (error) {
    console.error(`playground: port ${values.port} cannot be had (${error.message}); --port takes another, 0 any that is free`);
    await made.dispose();
    process.exitCode = 1;
  }
}
