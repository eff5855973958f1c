import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../lab/fixtures.js';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));

/** The shell blocks of a page that stand below `<!-- tested -->`, in their order. */
const blocks = (page: string): string[] =>
  [...readFileSync(path.join(docs, page), 'utf8').matchAll(/<!-- tested -->\n```sh\n([\s\S]*?)```/g)].map((found) => found[1] as string);
const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));
/** Runs of tables and sweeps by their hash: what one page has trained, another finds. All else that a page makes is its own. */
const byHash = temporaryFolder();
const links = (page: string): string[] =>
  [...readFileSync(path.join(docs, page), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((found) => found[1] as string);

describe('the pages', () => {
  it.each(pages.filter((page) => blocks(page).length > 0))('%s: its commands run as they stand', (page) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'page-'));
    mkdirSync(path.join(folder, 'runs'));
    symlinkSync(byHash, path.join(folder, 'runs/by-hash'));
    try {
      // `npx initlab` in a project of one's own is this program.
      const script = blocks(page).join('\n').replaceAll('npx initlab', 'initlab');
      const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
      const done = spawnSync('sh', ['-eu', '-c', script], { cwd: folder, env, encoding: 'utf8', timeout: 280_000 });
      expect(done.status, done.stdout + done.stderr).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(pages)('%s: what it links to is there', (page) => {
    expect(links(page).filter((to) => !existsSync(path.join(docs, to)))).toEqual([]);
  });
});
