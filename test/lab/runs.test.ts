import { type ChildProcess, fork } from 'node:child_process';
import fs, { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RunError, RunFolder, readRun, replaceFile, runId } from '@initlab/lab';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../packages/lab/src/run/checkpoint-file.js';
import { logStart } from '../../packages/lab/src/run/metrics-chain.js';
import { MetricsLog } from '../../packages/lab/src/run/metrics-log.js';
import { bundledProgram, temporaryFolder } from './fixtures.js';
import { stubCheckpoint } from './safetensors-stub.js';

const root = temporaryFolder();
let next = 0;
const place = (): string => path.join(root, `run${next++}`);
const create = (folder = place(), config = { seed: 3, lr: 0.1 }) => RunFolder.create({ name: 'test', folder, config });
const visible = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name !== '.lock')
    .sort();
afterEach(() => void vi.restoreAllMocks());

/** A run as a plug-in leaves it that failed at once. */
async function failedEarly(): Promise<{ folder: string; close: () => void }> {
  const run = await create();
  mkdirSync(path.join(run.folder, 'plugins'));
  writeFileSync(path.join(run.folder, 'plugins', 'my-init.ts'), '');
  return { folder: run.folder, close: () => run.close() };
}

describe('a run', () => {
  it('is a folder with config first and result last', async () => {
    const run = await RunFolder.create({ name: 'cnn init', root, config: { seed: 3 }, now: new Date('2026-05-01T12:30:05.123Z') });
    expect(run.id).toBe('2026-05-01T12-30-05-cnn-init');
    expect(visible(run.folder)).toEqual(['config.json', 'metrics.jsonl']);
    run.logMetrics({ epoch: 1, loss: 0.5 });
    run.logMetrics({ epoch: 2, loss: Number.NaN });
    expect((await readRun(run.folder)).result).toBeUndefined();
    await run.finish({ accuracy: 91.5 });
    const metrics = [
      { epoch: 1, loss: 0.5 },
      { epoch: 2, loss: 'NaN' },
    ];
    expect(run.metrics()).toEqual(metrics);
    expect(await readRun(run.folder, { all: true })).toMatchObject({ config: { seed: 3 }, metrics, result: { accuracy: 91.5 } });
    expect(() => run.logMetrics({})).toThrow(/closed/);
  });

  it('gets a folder of its own even within one second', async () => {
    const options = { name: 'twice', root, config: {}, now: new Date(0) };
    const [a, b] = [await RunFolder.create(options), await RunFolder.create(options)];
    expect([a.id, b.id]).toEqual(['1970-01-01T00-00-00-twice', '1970-01-01T00-00-00-twice-2']);
    expect(runId('a/b', new Date(0))).not.toContain('/');
  });

  it('never starts over another run or foreign files', async () => {
    const run = await create();
    const { folder } = run;
    run.logMetrics({ step: 0 });
    run.close();
    await expect(create(folder)).rejects.toThrow(/holds a run already.*--resume/);
    const foreign = place();
    mkdirSync(foreign);
    writeFileSync(path.join(foreign, 'thesis.txt'), 'x');
    await expect(create(foreign)).rejects.toThrow(/is not empty/);
  });

  it('starts anew where an earlier one failed before it logged anything', async () => {
    const { folder, close } = await failedEarly();
    close();
    const again = await create(folder, { seed: 4, lr: 0.1 });
    expect(again.config.seed).toBe(4);
    expect(visible(folder)).toEqual(['config.json', 'metrics.jsonl']);
    again.close();
    writeFileSync(path.join(folder, 'checkpoint.safetensors'), stubCheckpoint({}));
    await expect(create(folder)).rejects.toThrow(/holds a run already/);
  });

  it('belongs to one process at a time', async () => {
    const run = await create();
    const inUse = new RegExp(`is in use by process ${process.pid} \\(started \\d{4}-`);
    await expect(RunFolder.resume(run.folder)).rejects.toThrow(inUse);
    await expect(create(run.folder)).rejects.toThrow(inUse);
    const taker = await RunFolder.resume(run.folder, { force: true });
    const taken = /was taken over by process \d+.*writes nothing more/;
    expect(() => run.logMetrics({ step: 0 })).toThrow(taken);
    await expect(run.saveCheckpoint(stubCheckpoint)).rejects.toThrow(taken);
    await expect(run.finish({})).rejects.toThrow(taken);
    expect(visible(run.folder)).toEqual(['config.json', 'metrics.jsonl']);
    expect(taker.metrics()).toEqual([]);
    run.close();
    taker.logMetrics({ step: 0 });
    taker.close();
    taker.close();
    // What cannot be opened is not held.
    writeFileSync(path.join(run.folder, 'checkpoint.safetensors'), 'x');
    for (let i = 0; i < 2; i++) await expect(RunFolder.resume(run.folder)).rejects.toThrow(/checkpoint/);
  });
});

describe('resume', () => {
  it('drops what was logged after the checkpoint, nothing else', async () => {
    const run = await create();
    run.logMetrics({ step: 0 });
    run.logMetrics({ step: 1 });
    await run.saveCheckpoint((metadata) => stubCheckpoint({ ...metadata, step: '2' }));
    run.logMetrics({ step: 2 });
    appendFileSync(path.join(run.folder, 'metrics.jsonl'), '{"step":3,"lo');
    expect((await readRun(run.folder)).metrics).toHaveLength(3);
    run.close();
    const again = await RunFolder.resume(run.folder, { config: { lr: 0.1, seed: 3 } });
    expect(again.checkpoint?.metadata.step).toBe('2');
    again.logMetrics({ step: 2, second: true });
    expect(again.metrics()).toEqual([{ step: 0 }, { step: 1 }, { step: 2, second: true }]);
  });

  it('starts at the beginning when there was no checkpoint yet', async () => {
    const run = await create();
    run.logMetrics({ step: 0 });
    run.close();
    const again = await RunFolder.resume(run.folder);
    expect(again.checkpoint).toBeUndefined();
    expect(again.metrics()).toEqual([]);
  });

  it('refuses other settings, missing runs and changed files', async () => {
    const run = await create();
    run.logMetrics({ step: 0 });
    await run.saveCheckpoint(stubCheckpoint);
    run.close();
    await expect(RunFolder.resume(run.folder, { config: { seed: 4, lr: 0.1, extra: true } })).rejects.toThrow(
      /other settings: seed is 3 there and 4 here; extra is undefined there and true here/,
    );
    await expect(RunFolder.resume(place())).rejects.toThrow(/holds no run/);
    const { folder } = run;
    const metrics = path.join(folder, 'metrics.jsonl');
    const whole = readFileSync(metrics);
    const refused = async (message: RegExp): Promise<void> => {
      await expect(RunFolder.resume(folder)).rejects.toThrow(message);
      await expect(readRun(folder, { all: true })).rejects.toThrow(message);
    };
    truncateSync(metrics, 4);
    await refused(/metrics\.jsonl: has 0 bytes of whole lines, the checkpoint was made at \d+/);
    writeFileSync(metrics, 'x'.repeat(500));
    await refused(/metrics\.jsonl: has 0 bytes of whole lines/);
    writeFileSync(metrics, whole.toString().replace('"step":0', '"step":7'));
    await refused(/metrics\.jsonl: line 1 was changed since it was written, or one before it is missing/);
    writeFileSync(metrics, whole);
    const checkpoint = path.join(folder, 'checkpoint.safetensors');
    writeFileSync(checkpoint, stubCheckpoint({}).subarray(0, 30));
    await refused(/checkpoint\.safetensors: is no whole safetensors file \(.*the header claims/);
    writeFileSync(checkpoint, stubCheckpoint({}));
    await refused(/checkpoint\.safetensors: has no seal/);
    writeFileSync(path.join(folder, 'config.json'), '[]');
    await refused(/config\.json: is not a JSON object/);
    writeFileSync(path.join(folder, 'config.json'), '{ "seed": 3, "lr": 0.1 }');
    await refused(/config\.json: has no seal: an older initlab wrote it, or it was made by hand.*--config/);
  });

  it('refuses a checkpoint that does not carry its position', async () => {
    const run = await create();
    await expect(run.saveCheckpoint(() => stubCheckpoint({ step: '1' }))).rejects.toThrow(/without the metadata given/);
    expect(existsSync(path.join(run.folder, 'checkpoint.safetensors'))).toBe(false);
  });

  it('reads a checkpoint of any bytes without trusting the length in them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(() => openCheckpoint(bytes, { file: 'c' })).toThrow(RunError);
      }),
    );
  });

  it('loses and doubles nothing when killed at any moment', async () => {
    const folder = place();
    const program = await bundledProgram('run-writer', { folder: root });
    let reached = 0;
    for (let round = 0; round < 3; round++) {
      const child = fork(program, [folder], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      reached = await killAfter(child, 3 + round * 4);
      const run = await RunFolder.resume(folder, { config: { seed: 1 } });
      const step = Number(run.checkpoint?.metadata.step);
      expect(step).toBeGreaterThanOrEqual(reached);
      expect(run.metrics().map((line) => line.step)).toEqual(Array.from({ length: step }, (_, i) => i));
      run.close();
    }
    expect(reached).toBeGreaterThan(60);
  });
});

/** Waits for some checkpoints, then kills without warning. Answers the step last reported. */
function killAfter(child: ChildProcess, messages: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let last = 0;
    let seen = 0;
    child.on('message', (step) => {
      last = Number(step);
      if (++seen === messages) setTimeout(() => child.kill('SIGKILL'), 1 + messages / 2);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => (signal === 'SIGKILL' ? resolve(last) : reject(new Error(`the writer ended with ${code}`))));
  });
}

describe('a full disk', () => {
  it('takes back the part of a metrics line that still went in', async () => {
    const run = await create();
    run.logMetrics({ step: 0 });
    const real = fs.writeSync;
    let calls = 0;
    vi.spyOn(fs, 'writeSync').mockImplementation(((fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
      if (calls++ === 0) return real(fd, bytes, offset, Math.min(4, length), position);
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    }) as typeof fs.writeSync);
    expect(() => run.logMetrics({ step: 1, text: 'long enough' })).toThrow(/metrics\.jsonl: the disk is full.*intact.*--resume/);
    vi.restoreAllMocks();
    expect(readFileSync(path.join(run.folder, 'metrics.jsonl'), 'utf8')).toMatch(/^\{"step":0,[^\n]*\n$/);
    run.logMetrics({ step: 1 });
    expect((await readRun(run.folder)).metrics).toEqual([{ step: 0 }, { step: 1 }]);
  });

  it('keeps the old checkpoint and says what happened', async () => {
    const run = await create();
    await run.saveCheckpoint((metadata) => stubCheckpoint({ ...metadata, step: '1' }));
    symlinkSync('/dev/full', path.join(run.folder, '.checkpoint.safetensors.part'));
    await expect(run.saveCheckpoint((metadata) => stubCheckpoint({ ...metadata, step: '2' }))).rejects.toThrow(
      /checkpoint\.safetensors: the disk is full/,
    );
    run.close();
    const again = await RunFolder.resume(run.folder);
    expect(again.checkpoint?.metadata.step).toBe('1');
    // The failed aside file is gone, so the next one works.
    await again.saveCheckpoint((metadata) => stubCheckpoint({ ...metadata, step: '2' }));
    expect(visible(run.folder)).toEqual(['checkpoint.safetensors', 'config.json', 'metrics.jsonl']);
  });

  it('is reported by the device that is always full', () => {
    const file = path.join(root, 'full.jsonl');
    symlinkSync('/dev/full', file);
    const log = MetricsLog.open(file, logStart('start'));
    expect(() => log.append({ step: 0 }, { saves: 0 })).toThrow(/the disk is full/);
  });

  it('refuses folders that cannot be made', async () => {
    const file = path.join(root, 'a-file');
    writeFileSync(file, 'x');
    await expect(create(path.join(file, 'run'))).rejects.toThrow(/not a folder\. Choose another folder with --out/);
    await expect(RunFolder.create({ name: 'x', root: path.join(file, 'runs'), config: {} })).rejects.toThrow(RunError);
    await expect(replaceFile(path.join(root, 'nowhere', 'f'), 'x')).rejects.toThrow(/does not exist/);
  });
});

it('a file that several processes replace at once is whole, one of theirs, and none of them fails', async () => {
  const folder = path.join(root, 'shared');
  mkdirSync(folder);
  const file = path.join(folder, 'report.html');
  const contents = Array.from({ length: 20 }, (_, i) => `${i} `.repeat(50_000));
  await Promise.all(contents.map((content) => replaceFile(file, content, { shared: true })));
  expect(contents).toContain(readFileSync(file, 'utf8'));
  expect(readdirSync(folder)).toEqual(['report.html']);
});
