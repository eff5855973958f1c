import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild, transform } from 'esbuild';
import { chromium } from 'playwright-core';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { chromiumProgram } from '../support/browser.js';

const example = fileURLToPath(new URL('../../examples/browser', import.meta.url));

/** examples/browser as its reader has it: a folder in a project where the packages are installed. */
export function copyExample(project: string): string {
  const page = path.join(project, 'page');
  cpSync(example, page, { recursive: true, filter: (from) => !/\/(dist|node_modules)(\/|$)/.test(from) });
  return page;
}

/** The sizes of a build's scripts and data, in bytes, by name. */
export const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));

/** By Vite, as the example says; answers where the page lies. */
export async function buildByVite(page: string): Promise<string> {
  await vite({ root: page, logLevel: 'error' });
  return path.join(page, 'dist');
}

/** The example's modules as JavaScript, for bundlers without a loader for TypeScript, and the page that loads the first. */
async function asJavaScript(page: string, name: string): Promise<{ source: string; out: string }> {
  const [source, out] = [path.join(page, `${name}-source`), path.join(page, name)];
  rmSync(out, { recursive: true, force: true });
  for (const folder of [source, out]) mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(path.join(page, 'src'))) {
    const { code } = await transform(readFileSync(path.join(page, 'src', file), 'utf8'), { loader: 'ts', format: 'esm' });
    writeFileSync(path.join(source, file.replace(/\.ts$/, '.js')), code.replaceAll('./worker.ts', './worker.js'));
  }
  const html = readFileSync(path.join(page, 'index.html'), 'utf8').replace('./src/main.ts', './scripts/main.js');
  writeFileSync(path.join(out, 'index.html'), html);
  return { source, out };
}

export async function buildByWebpack(page: string): Promise<string> {
  const { source, out } = await asJavaScript(page, 'webpack');
  await new Promise<void>((resolve, reject) => {
    const options: webpack.Configuration = {
      mode: 'production',
      context: page,
      entry: { main: path.join(source, 'main.js') },
      output: { path: path.join(out, 'scripts'), filename: '[name].js', publicPath: 'auto' },
      performance: { hints: false },
      // Minifying takes ten times as long as all else, and says nothing of what is found and copied.
      optimization: { minimize: false },
    };
    webpack(options, (error, stats) => {
      if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString('errors-warnings')));
      else resolve();
    });
  });
  return out;
}

/** esbuild leaves `new URL(…, import.meta.url)` as it is: the worker is an entry of its own, and the data lie where they are asked for. */
export async function buildByEsbuild(page: string): Promise<string> {
  const { source, out } = await asJavaScript(page, 'esbuild');
  await esbuild({
    entryPoints: [path.join(source, 'main.js'), path.join(source, 'worker.js')],
    outdir: path.join(out, 'scripts'),
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  });
  cpSync(path.join(page, '../node_modules/@initlab/data/assets'), path.join(out, 'assets'), { recursive: true });
  return out;
}

/** What the page says when it has ended, in headless Chromium; for each of the searches. */
export async function trainedIn(folder: string, searches: readonly string[]): Promise<string[]> {
  const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html');
    try {
      const bytes = readFileSync(path.join(folder, name));
      response.setHeader('content-type', types[path.extname(name)] ?? 'application/octet-stream');
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: chromiumProgram as string,
    headless: false,
    args: ['--headless=new', '--no-sandbox', '--enable-unsafe-webgpu'],
  });
  try {
    const said: string[] = [];
    for (const search of searches) {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/${search}`);
      const output = page.locator('#progress:is([data-state=done], [data-state=failed])');
      await output.waitFor({ timeout: 200_000 });
      said.push((await output.textContent()) ?? '');
      await page.close();
    }
    return said;
  } finally {
    await browser.close();
    server.close();
  }
}
