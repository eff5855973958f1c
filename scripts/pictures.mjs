#!/usr/bin/env node
/**
 * The pictures of the documentation that show the lab's pages: `docs/images/ui.png`, and `report.png` of the last sweep there. Of runs
 * such as these, made before:
 *   npx initlab sweep --config FILE --grid lr=0.01,0.03,0.1 --grid init=kaiming,orthogonal --seeds 3 --root runs
 *   FILE: { "arch": "mlp3-64", "dataset": "fashion-mnist-sample", "epochs": 12, "probe": 90 }
 * usage: node scripts/pictures.mjs RUNS [OUT]       --all: also dark and narrow ones, to be looked at; needs npm run build and Chromium
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values, positionals } = parseArgs({ options: { all: { type: 'boolean', default: false } }, allowPositionals: true });
const [runs = 'runs', out = here('../docs/images')] = positionals;
mkdirSync(out, { recursive: true });

const sweeps = path.join(runs, 'sweeps');
const [latest] = readdirSync(sweeps)
  .map((name) => path.join(sweeps, name, 'report.html'))
  .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
const server = spawn(process.execPath, [here('../packages/lab/bin/initlab.mjs'), 'ui', runs, '--port', '0'], { cwd: path.dirname(runs) });
const url = await new Promise((resolve, reject) => {
  let text = '';
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (more) => {
      text += more;
      const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(text);
      if (found) resolve(found[0]);
    });
  server.on('exit', () => reject(new Error(text)));
});

const executablePath = spawnSync('sh', [here('find-chromium.sh')], { encoding: 'utf8' }).stdout.trim();
const browser = await chromium.launch({ executablePath, headless: false, args: ['--headless=new', '--no-sandbox', '--hide-scrollbars'] });
try {
  const looks = [{ suffix: '', colorScheme: 'light', width: 1400 }];
  if (values.all)
    looks.push({ suffix: '-dark', colorScheme: 'dark', width: 1400 }, { suffix: '-narrow', colorScheme: 'light', width: 380 });
  for (const { suffix, colorScheme, width } of looks) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: width < 600 ? 3000 : 1250 } });
    await page.goto(url);
    const rows = page.locator('[aria-label=runs] tbody tr');
    await rows.first().waitFor();
    await page.locator('th button', { hasText: 'last test' }).click();
    // The two best, and one that learns nothing.
    const count = await rows.count();
    for (const row of [0, 1, count - 1]) await rows.nth(row).click();
    await page.locator('.uplot').nth(2).waitFor();
    await page.screenshot({ path: path.join(out, `ui${suffix}.png`) });
    await page.setViewportSize({ width: Math.min(width, 1240), height: 1040 });
    await page.goto(pathToFileURL(path.resolve(latest)).href);
    await page.screenshot({ path: path.join(out, `report${suffix}.png`), fullPage: values.all && width < 600 });
    await page.close();
  }
} finally {
  await browser.close();
  server.kill();
}
