import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { curveSpec, renderChart, renderReport, reportFile, writeReport } from '@initlab/lab';
import { expect, it } from 'vitest';
import { temporaryFolder } from './fixtures.js';
import { reportData } from './report-data.js';

const root = temporaryFolder();

it('is one file with pictures inside and nothing from outside', async () => {
  const file = await writeReport(root, reportData);
  const html = readFileSync(file, 'utf8');
  expect(path.basename(file)).toBe(reportFile);
  expect(html.match(/<svg /g)).toHaveLength(3);
  // Namespaces are names; nothing is fetched from them.
  const addresses = [...html.matchAll(/https?:\/\/[^"' <]+/g)].map(([address]) => address);
  expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']));
  expect(html).not.toMatch(/<script|<link|<img|@import/);
  expect(html).toContain('prefers-color-scheme: dark');
  expect(html).toContain('@media print');
});

it('says what was measured, published, run and configured, whatever characters are in it', async () => {
  const html = await renderReport(reportData);
  expect(html).toContain('<tr><th scope="row">kaiming</th><td class="measured">0.2828 ± 0.0040</td><td class="other">0.1984</td>');
  expect(html).toContain('<td class="note">every unit stays alike</td>');
  expect(html).toContain('Published: CIFAR-10, 8 epochs.');
  expect(html).toContain('<dt>command</dt><dd><code>initlab table run cnn-init --scale smoke --seeds 0,1</code></dd>');
  expect(html).toContain('<dd>llvmpipe (LLVM 19) &lt;software&gt;</dd>');
  expect(html).toContain('<dd>2 m 12 s</dd>');
  expect(html).toContain('&quot;lr&quot;: 0.001');
  expect(html).not.toContain('</pre><script>');
});

it('draws what there is when trainings diverged or nothing was measured', async () => {
  const rows = [{ name: 'ravs', measured: { accuracy: [Number.NaN] }, published: { accuracy: { mean: 70 } } }];
  const curves = [{ label: 'loss', points: [{ series: 'ravs', epoch: 1, value: Number.NaN }] }];
  const html = await renderReport({ ...reportData, table: { ...reportData.table, rows }, curves });
  expect(html).toContain('<td class="measured">diverged</td>');
  expect(html).not.toContain('<svg');
});

it('draws a line per seed, logarithmic where values lie far apart', async () => {
  const points = [0, 1].flatMap((seed) => [1, 2, 3].map((epoch) => ({ series: 'a', seed, epoch, value: 10 ** (3 - epoch) + seed })));
  const far = await renderChart(curveSpec({ label: 'loss', points }, { theme: 'file' }));
  expect(far.match(/mark-line role-mark [^>]*>\s*<path[^>]*d="M/g) ?? far.match(/aria-roledescription="line mark"/g)).not.toBeNull();
  expect(far).toContain('loss (logarithmic)');
  expect(far).toContain('#ffffff');
  expect(far).not.toContain('var(--');
  const near = await renderChart(curveSpec({ label: 'loss', points, scale: 'linear' }, { theme: 'page' }), {
    theme: 'page',
    idPrefix: 'p1-',
  });
  expect(near).not.toContain('logarithmic');
  expect(near).toContain('var(--series-0)');
  expect(near).toContain('currentColor');
});

it('leaves the earlier report when the disk is full', async () => {
  const folder = path.join(root, 'full');
  mkdirSync(folder);
  const file = await writeReport(folder, reportData);
  const before = readFileSync(file, 'utf8');
  symlinkSync('/dev/full', path.join(folder, '.report.html.part'));
  await expect(writeReport(folder, { ...reportData, title: 'another' })).rejects.toThrow(/report\.html: the disk is full/);
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(readdirSync(folder)).toEqual(['report.html']);
});
