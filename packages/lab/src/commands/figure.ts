import path from 'node:path';
import { Generator, InitlabError } from '@initlab/core';
import { curveName, type NormRatios, normRatioCurves, normRatios } from '../experiments/norm-ratios.js';
import { checkNormRatios, loadNormRatioReference, meanOver, type NormRatioCheck } from '../experiments/norm-ratios-reference.js';
import { type NormRatioPoint, normRatioSpec } from '../report/norm-ratio-spec.js';
import { renderChart } from '../report/render-chart.js';
import { makeFolder, replaceFile } from '../run/index.js';
import { linesTable } from '../tables/index.js';
import { openTunedDevice } from '../tune/index.js';

export interface FigureOptions {
  readonly networks: number;
  readonly seed: number;
  readonly out: string;
  /** Only curves whose name contains this. */
  readonly filter?: string;
  readonly json?: boolean;
}

const checkTable = linesTable([{ text: '', width: 4 }, { text: '', width: 36 }, { text: '', width: 4 }, { text: 'worst layer' }]);

/** `initlab figure norm-ratios`: Figure 1 of arXiv:1906.02341, compared with the reference. Returns the exit status. */
export async function figureCommand({ networks, seed, out, filter = '', json = false }: FigureOptions): Promise<number> {
  const reference = await loadNormRatioReference();
  const curves = normRatioCurves.filter((curve) => curveName(curve).includes(filter));
  if (curves.length === 0) throw new InitlabError(`--filter ${filter}: the curves are ${normRatioCurves.map(curveName).join(', ')}`);
  const device = await openTunedDevice();
  const say = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  say(`${device.caps.adapter}; ${networks} networks a curve; worst layer in units of the allowed deviation`);
  const checks: NormRatioCheck[] = [];
  const points: NormRatioPoint[] = [];
  for (const [i, curve] of curves.entries()) {
    const name = curveName(curve);
    const found: NormRatios[] = [];
    for (let n = 0; n < networks; n++) {
      if (process.stderr.isTTY) process.stderr.write(`\r${i + 1}/${curves.length} ${name}: network ${n + 1} of ${networks} `);
      const index = normRatioCurves.indexOf(curve);
      found.push(await normRatios(curve, { device, generator: new Generator(seed, { stream: index * 1000 + n }) }));
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const check = checkNormRatios(name, { networks: found, reference });
    checks.push(check);
    say(checkTable.line([check.passed ? 'pass' : 'FAIL', name, check.worst.toFixed(2), check.where]));
    for (const pass of ['forward', 'backward'] as const) {
      const label = { net: curve.net, pass, curve: `${curve.init.replace('_', ' ')}, ${curve.width}` };
      const draw = (kind: NormRatioPoint['kind'], logs: readonly number[]): void =>
        logs.forEach((log, l) => void points.push({ ...label, kind, layer: l + 1, ratio: Math.exp(log) }));
      draw('measured', meanOver(found.map((f) => f[pass])));
      draw('reference', reference.curves[name]?.[pass].log_mean ?? []);
    }
  }
  await makeFolder(out);
  const file = path.join(out, 'norm-ratios.svg');
  await replaceFile(file, await renderChart(normRatioSpec(points, { theme: 'file' })));
  await replaceFile(
    path.join(out, 'norm-ratios.json'),
    `${JSON.stringify({ networks, seed, adapter: device.caps.adapter, checks, points })}\n`,
  );
  const failed = checks.filter(({ passed }) => !passed).length;
  if (json) process.stdout.write(`${JSON.stringify({ networks, seed, adapter: device.caps.adapter, checks, figure: file })}\n`);
  say(`Figure: ${file}\n${checks.length - failed} passed, ${failed} failed`);
  device.close();
  return failed === 0 ? 0 : 1;
}
