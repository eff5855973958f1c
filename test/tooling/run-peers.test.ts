import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let root = '';

const write = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), text);
};

/** A checkout whose command and bundles only print what the real ones would. */
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'peers-'));
  for (const name of ['run-peers.mjs', 'peer-runs.mjs', 'peer-table.mjs', 'count-buffers.mjs'])
    cpSync(path.join(repository, 'bench', name), path.join(root, 'bench', name));
  symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'));
  write('dist/commit.txt', 'abc1234\n');
  write(
    'dist/initlab.mjs',
    `const words = process.argv.slice(2);
const adapter = 'mesa llvmpipe';
const conv = (gpuMs, direction) => ({ shape: '8x16x32x32 -> 16 3x3', direction, gpuMs, adapter });
const rows = {
  doctor: [{ adapter, driver: 'Mesa 25' }],
  step: [{ wallMs: 10, firstStepMs: process.env.MESA_SHADER_CACHE_DISABLE ? 900 : 100, precision: 'f32', adapter, peakBytes: 1 }],
  conv2d: [conv(1, 'forward'), conv(2, 'gradInput')],
}[words[0] === 'bench' ? words[1] : words[0]];
for (const row of rows) console.log(JSON.stringify(row));`,
  );
  write(
    'bench/peers/dist/jaxjs_train.mjs',
    "console.log(JSON.stringify({ endsync_ms_per_step: 40, first_step_ms: 450, gpu_mb_peak: 7, adapter: 'mesa' }));",
  );
  write('bench/peers/dist/tfjs_train.mjs', "console.error('no memory left'); process.exit(1);");
  write(
    'bench/peers/dist/jaxjs_conv.mjs',
    "for (const [op, ms] of [['fwd', 4], ['dx', 1]]) console.log(JSON.stringify({ shape: 'c3x3_32_16-16', op, ms })); console.log(JSON.stringify({ summary: 'x', adapter: 'mesa' }));",
  );
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function runPeers(...args: string[]): { rows: Record<string, unknown>[]; status: number | null } {
  const { stdout, status } = spawnSync(process.execPath, [path.join(root, 'bench/run-peers.mjs'), ...args], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { rows: lines.map((line) => JSON.parse(line) as Record<string, unknown>), status };
}

describe('bench/run-peers.mjs', () => {
  it('rows say how many times ours, where they come from, and why a library has none; that is no failure', () => {
    const { rows, status } = runPeers(
      '--models',
      'resnet20,vgg16-bn',
      '--rounds',
      '2',
      '--libs',
      'jaxjs,tfjs,pytorch',
      '--python',
      'no-such',
    );
    expect(status).toBe(0);
    const of = (model: string, lib: string) => rows.find((r) => r.model === model && r.lib === lib);
    const origin = { commit: 'abc1234', driver: 'Mesa 25', command: expect.stringContaining('--rounds 2') };
    expect(of('resnet20', 'initlab')).toMatchObject({ wallMs: 10, timesOurs: 1, batch: 8, rounds: 2, ...origin });
    expect(of('resnet20', 'jaxjs')).toMatchObject({ wallMs: 40, timesOurs: 4, firstStepMs: 450, firstTimesOurs: 4.5, peakMB: 7 });
    expect(of('resnet20', 'tfjs')).toMatchObject({ error: 'no memory left', ...origin });
    expect(of('vgg16-bn', 'jaxjs')?.error).toContain('ResNets and simple-cnn');
    expect(of('vgg16-bn', 'pytorch')?.error).toContain('no-such');
    // Ours allocates nothing here, and the peak is of buffers, not what the command says.
    expect(of('resnet20', 'initlab')?.peakMB).toBeNull();
  });

  it('--cold switches the shader cache off, --record appends the rows to a file by date and adapter', () => {
    const { rows } = runPeers('--models', 'simple-cnn', '--rounds', '1', '--libs', 'jaxjs', '--cold', '--record');
    expect(rows.map((r) => [r.lib, r.firstStepMs, r.firstTimesOurs, r.cold])).toEqual([
      ['initlab', 900, 1, true],
      ['jaxjs', 450, 0.5, true],
    ]);
    const [file] = readdirSync(path.join(root, 'bench/results'));
    expect(file).toMatch(/^\d{4}-\d\d-\d\d-lavapipe-peers\.jsonl$/);
    const lines = readFileSync(path.join(root, 'bench/results', file ?? ''), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows);
  });

  it('single ops are matched by shape and direction, with geometric means', () => {
    const { rows } = runPeers('conv2d', '--libs', 'jaxjs');
    expect(rows.filter((r) => r.lib === 'jaxjs' && r.ms).map((r) => [r.direction, r.timesOurs])).toEqual([
      ['forward', 4],
      ['gradInput', 0.5],
    ]);
    expect(rows.find((r) => r.of === 'all')).toMatchObject({ rows: 2, geometricMean: 1.41, oursSlowerOn: 1 });
  });
});
