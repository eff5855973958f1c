#!/usr/bin/env node
/**
 * The pictures of the playground's stories: `docs/images/playground-*.png`, each a scene after some steps in Chromium.
 * usage: node scripts/story-pictures.mjs [OUT]       needs Chromium; some minutes on a software driver
 */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const out = process.argv[2] ?? here('../docs/images');
const scenes = [
  { file: 'playground-zero.png', title: 'All weights zero', steps: 12 },
  { file: 'playground-depth.png', title: 'Vanishing', steps: 100 },
  { file: 'playground-norm.png', title: 'Bad draw', steps: 100 },
];

const server = spawn(process.execPath, [here('playground.mjs'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const url = await new Promise((resolve) => {
  let said = '';
  server.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    const [address] = said.match(/http:\/\/localhost:\d+\//) ?? [];
    if (address) resolve(address);
  });
});
const executablePath = spawnSync('sh', [here('find-chromium.sh')], { encoding: 'utf8' }).stdout.trim();
// Not playwright's own switch, which means the old headless mode.
const args = ['--headless=new', '--no-sandbox', '--hide-scrollbars', '--enable-unsafe-webgpu'];
const browser = await chromium.launch({ executablePath, headless: false, args });
try {
  for (const { file, title, steps } of scenes) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(300_000);
    await page.goto(url);
    await page.getByRole('button', { name: title, exact: true }).click();
    const status = (text) => page.getByRole('status').filter({ hasText: text }).waitFor();
    await status(/^ready, step 0 /);
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForFunction((wanted) => {
      const [, step = '0'] = document.querySelector('[role=status]')?.textContent?.match(/step (\d+)/) ?? [];
      return Number(step) >= wanted;
    }, steps);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await status(/^ready/);
    await page.screenshot({ path: path.join(out, file), fullPage: true });
    console.log(file);
    await page.close();
  }
} finally {
  await browser.close();
  server.kill();
}
