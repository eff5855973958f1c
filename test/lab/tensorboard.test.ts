import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32c, maskedCrc32c, scalarRecord, versionRecord } from '@initlab/lab';
import { expect, it } from 'vitest';
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
    const stopped = await initlab([...small, '--epochs', '60', '--validation', '0.25', '--tensorboard', '--out', out], {
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
    expect(epochs).toHaveLength(60);
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
