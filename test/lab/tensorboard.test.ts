import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32c, EventFile, maskedCrc32c, scalarRecord, versionRecord } from '@initlab/lab';
import { expect, it } from 'vitest';
import type { EpochRecord } from '../../packages/lab/src/train/make-run.js';
import type { ProbeRecord } from '../../packages/lab/src/train/probe-record.js';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const reader = fileURLToPath(new URL('read_events.py', import.meta.url));
/** Debian's, whatever else is in the PATH. */
const python = '/usr/bin/python3';
const hasProtobuf = spawnSync(python, ['-c', 'import google.protobuf']).status === 0;

it('checksums are CRC-32C, masked', () => {
  // RFC 3720, appendix B.4, and the mask of the empty record's checksum.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(maskedCrc32c(new Uint8Array())).toBe(0xa282ead8);
});

it('records have the bytes that protocol buffers prescribe', () => {
  const data = (record: Uint8Array): string => Buffer.from(record.subarray(12, -4)).toString('hex');
  expect(data(versionRecord(1))).toBe(`09000000000000f03f1a0d${Buffer.from('brain.Event:2').toString('hex')}`);
  // Step 300 needs two bytes; 0.5 as a float is 3f000000.
  expect(data(scalarRecord({ wallTime: 1, step: 300, scalars: { a: 0.5 } }))).toBe('09000000000000f03f10ac022a0a0a080a0161150000003f');
});

const eventsIn = (run: string): string[] => readdirSync(run).filter((name) => name.includes('tfevents'));

// Visible as skipped where Debian's python3-protobuf is not installed.
it.skipIf(!hasProtobuf)(
  'an independent reader finds each epoch once, also of a run that was stopped and went on',
  async () => {
    const out = path.join(folder, 'run');
    const small = ['train', '--arch', 'mlp3-32', '--dataset', 'fashion-mnist-sample', '--limit', '64', '--batch', '32'];
    let sent = false;
    const stopped = await initlab([...small, '--epochs', '40', '--validation', '0.25', '--tensorboard', '--out', out], {
      onOutput: (text, kill) => {
        if (!sent && text.includes('epoch=3 ')) {
          sent = true;
          kill('SIGINT');
        }
      },
    });
    expect(stopped.status).toBe(130);
    const [first] = eventsIn(out);
    const before = readFileSync(path.join(out, String(first)));
    // Without the option: the run has a file already, and keeps it.
    expect((await initlab(['train', '--resume', out])).status).toBe(0);
    expect(eventsIn(out)).toEqual([first]);
    const file = path.join(out, String(first));
    expect(readFileSync(file).subarray(0, before.length).equals(before)).toBe(true);
    const read = spawnSync(python, [reader, file], { encoding: 'utf8' });
    expect(read.status, read.stderr).toBe(0);
    const events = JSON.parse(read.stdout) as { wallTime: number; step: number; version: string; scalars: Record<string, number> }[];
    expect(events[0]).toMatchObject({ version: 'brain.Event:2', step: 0, scalars: {} });
    const epochs = readFileSync(path.join(out, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(epochs).toHaveLength(40);
    expect(events.slice(1).map(({ step }) => step)).toEqual(epochs.map(({ epoch }) => epoch));
    for (const [i, { scalars }] of events.slice(1).entries()) {
      const { trainLoss, testLoss, testAccuracy, validationAccuracy } = epochs[i];
      expect(scalars).toMatchObject({
        'loss/train': Math.fround(trainLoss),
        'loss/test': Math.fround(testLoss),
        'accuracy/test': Math.fround(testAccuracy),
        'accuracy/validation': Math.fround(validationAccuracy),
      });
    }
    const times = events.map(({ wallTime }) => wallTime);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.abs((times[0] ?? 0) - Date.now() / 1e3)).toBeLessThan(600);
  },
  300_000,
);

/** What the independent reader finds in a run's only file. */
function eventsOf(run: string): { step: number; scalars: Record<string, number> }[] {
  const files = eventsIn(run);
  expect(files).toHaveLength(1);
  const read = spawnSync(python, [reader, path.join(run, String(files[0]))], { encoding: 'utf8' });
  expect(read.status, read.stderr).toBe(0);
  return (JSON.parse(read.stdout) as { step: number; scalars: Record<string, number> }[]).slice(1);
}
const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it.skipIf(!hasProtobuf)(
  'a table writes a file for each run',
  async () => {
    const root = path.join(folder, 'table');
    const choice = ['--scale', 'smoke', '--parts', 'depth-mlp', '--columns', '2', '--root', root, '--quiet'];
    const made = await initlab(['table', 'run', 'weightnorm-init', ...choice, '--tensorboard']);
    expect(made.status, made.stderr).toBe(0);
    const runs = readdirSync(path.join(root, 'by-hash')).map((name) => path.join(root, 'by-hash', name));
    expect(runs).toHaveLength(2);
    for (const run of runs) expect(eventsOf(run).map(({ step }) => step)).toEqual([1, 2]);
  },
  120_000,
);

it.skipIf(!hasProtobuf)(
  'a sweep writes a file for each run, with what its probes saw of each layer by step, also of a run that went on',
  async () => {
    const root = path.join(folder, 'sweep');
    const file = path.join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ arch: 'mlp3-32', dataset: 'fashion-mnist-sample', limit: 64, batchSize: 32, epochs: 2 }));
    const sweep = ['sweep', '--config', file, '--grid', 'lr=0.1,0.05', '--probe', '2', '--tensorboard', '--root', root, '--quiet'];
    const made = await initlab(sweep);
    expect(made.status, made.stderr).toBe(0);
    const runs = readdirSync(path.join(root, 'by-hash')).map((name) => path.join(root, 'by-hash', name));
    expect(runs).toHaveLength(2);
    for (const run of runs) {
      const probes = linesOf(path.join(run, 'probes.jsonl')) as { step: number; layers: Record<string, number | string | null>[] }[];
      expect(probes.map(({ step }) => step)).toEqual([0, 2]);
      // A look at step 0, the first epoch, a look at its two steps, the second epoch.
      const events = eventsOf(run);
      expect(events.map(({ step }) => step)).toEqual([0, 1, 2, 2]);
      for (const [i, { layers }] of probes.entries())
        for (const layer of layers) {
          const { scalars } = events[2 * i] as (typeof events)[number];
          expect(scalars[`probe_deviation/${layer.name}`]).toBe(Math.fround(layer.deviation as number));
          expect(scalars[`probe_gradient_norm/${layer.name}`]).toBe(Math.fround(layer.gradientNorm as number));
          // A layer behind which no ReLU stands has no dead units.
          const dead = layer.dead === null ? undefined : Math.fround(layer.dead as number);
          expect(scalars[`probe_dead_units/${layer.name}`]).toBe(dead);
        }
    }
    // As where a run goes on: the file is written anew from the logs, to the same bytes.
    const [run] = runs as [string];
    const before = readFileSync(path.join(run, String(eventsIn(run)[0])));
    EventFile.open(run, {
      epochs: linesOf(path.join(run, 'metrics.jsonl')) as unknown as EpochRecord[],
      probes: linesOf(path.join(run, 'probes.jsonl')) as unknown as ProbeRecord[],
    });
    expect(readFileSync(path.join(run, String(eventsIn(run)[0]))).equals(before)).toBe(true);
  },
  120_000,
);
