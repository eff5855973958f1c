import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';

/** The program of this system's Chromium or Chrome, if it has one: where `npm test` looks too, and offers to install it. */
export const chromiumProgram: string | undefined =
  spawnSync('sh', [fileURLToPath(new URL('../../scripts/find-chromium.sh', import.meta.url))], {
    encoding: 'utf8',
  }).stdout?.trim() || undefined;

/** Bundle a TypeScript module for a page, `@initlab/*` from source unless other conditions are given. */
export async function bundleForBrowser(entry: string, options: { conditions?: string[]; workingFolder?: string } = {}): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    conditions: options.conditions ?? ['@initlab/source'],
    ...(options.workingFolder ? { absWorkingDir: options.workingFolder } : {}),
    // Types-only configuration of the workspace is no business of a page's bundle.
    tsconfigRaw: {},
    logLevel: 'silent',
  });
  return (result.outputFiles[0] as { text: string }).text;
}

export interface PageRun {
  /** What the module's `run` returned, through JSON. */
  readonly result: unknown;
  /** Everything the page wrote to its console. */
  readonly log: readonly string[];
}

/**
 * Run a bundled module in headless Chromium: the module exports `async function run()`, called once in a page on
 * localhost (WebGPU wants a secure context). Throws what `run` throws, with the page's console beneath it.
 */
export async function runInBrowser(module: string, options: { timeoutMs?: number } = {}): Promise<PageRun> {
  if (!chromiumProgram) throw new Error('browser tests need Chromium: apt-get install chromium, or set CHROMIUM to the program');
  const server = createServer((request, response) => {
    const isModule = request.url === '/module.js';
    response.setHeader('content-type', isModule ? 'text/javascript' : 'text/html');
    response.end(isModule ? module : '<!doctype html><meta charset="utf-8"><title>initlab</title><link rel="icon" href="data:,">');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let browser: Browser | undefined;
  const log: string[] = [];
  try {
    browser = await chromium.launch({
      executablePath: chromiumProgram,
      headless: false, // playwright's own switch means the old headless mode; ours is in the arguments
      args: ['--headless=new', '--no-sandbox', '--enable-unsafe-webgpu'],
    });
    const page = await browser.newPage();
    page.on('console', (message) => log.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => log.push(`error: ${error.message}`));
    page.setDefaultTimeout(options.timeoutMs ?? 100_000);
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    // As text: what vitest makes of an `import` in a function does not run in a page.
    const timeoutMs = options.timeoutMs ?? 100_000;
    const text = await page.evaluate<string>(`(async () => {
      const { run } = await import('/module.js');
      const late = new Promise((_, reject) => setTimeout(() => reject(new Error('no result after ${timeoutMs} ms')), ${timeoutMs}));
      return JSON.stringify((await Promise.race([run(), late])) ?? null);
    })()`);
    return { result: JSON.parse(text), log };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log.join('\n')}`, { cause: error });
  } finally {
    await browser?.close();
    server.close();
  }
}

/**
 * Opens a page of headless Chromium for a test of what a person does with it; errors of its scripts are the test's. With `webgpu` it
 * has a software adapter.
 */
export async function withPage<T>(body: (page: Page) => Promise<T>, { webgpu = false }: { webgpu?: boolean } = {}): Promise<T> {
  if (!chromiumProgram) throw new Error('browser tests need Chromium: apt-get install chromium, or set CHROMIUM to the program');
  const browser = await chromium.launch({
    executablePath: chromiumProgram,
    headless: false, // as above
    args: ['--headless=new', '--no-sandbox', ...(webgpu ? ['--enable-unsafe-webgpu'] : [])],
  });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const result = await body(page);
    if (errors.length > 0) throw new Error(`the page's scripts: ${errors.join('; ')}`);
    return result;
  } finally {
    await browser.close();
  }
}
