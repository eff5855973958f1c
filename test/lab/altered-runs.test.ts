import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RunError, RunFolder, readRun } from '@initlab/lab';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './fixtures.js';
import { stubCheckpoint } from './safetensors-stub.js';

const root = temporaryFolder();
const files = ['config.json', 'metrics.jsonl', 'probes.jsonl', 'checkpoint.safetensors', 'result.json', 'plugins/init/my-init.ts'] as const;
type File = (typeof files)[number];

/** A run of three epochs: one was logged after the last checkpoint, or all is done. */
async function makeRun(folder: string, { seed, complete }: { seed: number; complete: boolean }): Promise<void> {
  const plugins = new Map([['init/my-init.ts', Buffer.from(`// ${seed}\nexport const a = 1;\n`)]]);
  const config = { experiment: 'train', seed, lr: 0.1, milestones: [1, 2] };
  const run = await RunFolder.create({ name: 'r', folder, config, plugins });
  const save = (step: number) => run.saveCheckpoint((metadata) => stubCheckpoint({ ...metadata, step: String(step) }, 40 + seed));
  await save(0);
  for (const epoch of [1, 2, 3]) {
    run.logProbe({ step: 10 * epoch, layers: [{ name: 'conv', deviation: epoch + seed, dead: 0.5 }] });
    run.logMetrics({ epoch, trainAccuracy: 38 + epoch + seed, seconds: 0.5 });
    if (epoch < 3 || complete) await save(epoch);
  }
  if (complete) await run.finish({ complete: true, best: { epoch: 2, testAccuracy: 40 }, config });
  else run.close();
}

interface Alteration {
  readonly file: File;
  readonly what: string;
  readonly content: Uint8Array | undefined;
}

/** Every way in which a file may be altered that is tried on all. */
function* alterations(whole: string, other: string): Generator<Alteration> {
  for (const file of files) {
    if (!existsSync(path.join(whole, file))) continue;
    const bytes = readFileSync(path.join(whole, file));
    const say = (what: string, content: Uint8Array | undefined): Alteration => ({ file, what, content });
    const step = Math.max(1, Math.floor(bytes.length / 20));
    for (let at = 0; at < bytes.length; at += step)
      for (const [name, change] of [
        ['bit 0', (b: number) => b ^ 1],
        ['bit 5', (b: number) => b ^ 32],
        ['to a digit', (b: number) => (b === 49 ? 50 : 49)],
        ['to zero', () => 0],
      ] as const) {
        const changed = Uint8Array.from(bytes);
        changed[at] = change(changed[at] as number);
        if (!bytes.equals(changed)) yield say(`byte ${at} ${name}`, changed);
      }
    for (let at = 0; at < bytes.length; at += 3 * step) {
      yield say(`cut at ${at}`, bytes.subarray(0, at));
      yield say(`without byte ${at}`, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]));
      yield say(`byte ${at} twice`, Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)]));
    }
    yield say('a line end more', Buffer.concat([bytes, Buffer.from('\n')]));
    yield say('a byte more', Buffer.concat([bytes, Buffer.from('x')]));
    yield say('itself once more', Buffer.concat([bytes, bytes]));
    yield say('of another run', readFileSync(path.join(other, file)));
    yield say('gone', undefined);
    if (!file.endsWith('.safetensors')) yield* lineAlterations(file, bytes.toString());
  }
}

function* lineAlterations(file: File, text: string): Generator<Alteration> {
  const lines = text.split('\n').slice(0, -1);
  const say = (what: string, changed: readonly string[]): Alteration => ({ file, what, content: Buffer.from(`${changed.join('\n')}\n`) });
  for (const [i, line] of lines.entries()) {
    yield say(`without line ${i + 1}`, lines.toSpliced(i, 1));
    yield say(`line ${i + 1} twice`, lines.toSpliced(i, 0, line));
    if (i > 0) yield say(`lines ${i} and ${i + 1} exchanged`, lines.toSpliced(i - 1, 2, line, lines[i - 1] as string));
    for (const match of line.matchAll(/\d+/g)) {
      const edited = `${line.slice(0, match.index)}${Number(match[0]) + 3762}${line.slice(match.index + match[0].length)}`;
      yield say(`line ${i + 1}: ${match[0]} at ${match.index} edited`, lines.toSpliced(i, 1, edited));
    }
    yield say(`line ${i + 1} with spaces`, lines.toSpliced(i, 1, `${line}  `));
  }
}

/** What a process that goes on with a run goes on from. */
async function resumed(folder: string): Promise<object> {
  const run = await RunFolder.resume(folder);
  const probes = await run.probes();
  run.close();
  const { config, checkpoint, result } = run;
  return { config, metrics: run.metrics(), probes, checkpoint: checkpoint && Buffer.from(checkpoint.bytes).toString('base64'), result };
}

describe.each([
  ['stopped', false],
  ['complete', true],
] as const)('a run that is %s', (state, complete) => {
  const whole = path.join(root, state);
  const other = path.join(root, `${state}-other`);
  let right: Awaited<ReturnType<typeof readRun>>;
  let start: object;
  beforeAll(async () => {
    await makeRun(whole, { seed: 0, complete });
    await makeRun(other, { seed: 1, complete });
    right = await readRun(whole, { all: true });
    cpSync(whole, `${whole}-resumed`, { recursive: true });
    start = await resumed(`${whole}-resumed`);
  });

  it('is refused by name however it was altered, or goes on as if it had not been', async () => {
    const folder = path.join(root, `${state}-altered`);
    cpSync(whole, folder, { recursive: true });
    const silent: string[] = [];
    let refused = 0;
    let harmless = 0;
    let last: File = 'config.json';
    for (const { file, what, content } of alterations(whole, other)) {
      // Going on cuts the log; what was altered before is put right again.
      for (const each of new Set([file, last, 'metrics.jsonl', 'probes.jsonl'])) cpSync(path.join(whole, each), path.join(folder, each));
      last = file;
      if (content) writeFileSync(path.join(folder, file), content);
      else rmSync(path.join(folder, file));
      // Without its result a complete run is one that was killed a moment earlier.
      const { result: _, ...unfinished } = start as { result: unknown };
      const killedEarlier = file === 'result.json' && content === undefined;
      const read = await outcome(() => readRun(folder, { all: true }));
      if (read instanceof Error) {
        if (!namesFile(read, file)) silent.push(`${file}, ${what}: "${read.message}" does not name it`);
      } else {
        // A last line may be cut off, or not be there yet.
        const { metrics, probes, ...rest } = read;
        const known = { metrics: right.metrics.slice(0, metrics.length), probes: right.probes.slice(0, probes.length) };
        const wanted = killedEarlier ? { ...right, result: undefined } : right;
        if (!same({ ...rest, ...known, folder: whole }, { ...wanted, metrics, probes }))
          silent.push(`${file}, ${what}: is read as ${JSON.stringify(read)}`);
      }
      const went = await outcome(() => resumed(folder));
      if (went instanceof Error) {
        refused++;
        if (!namesFile(went, file)) silent.push(`${file}, ${what}: "${went.message}" does not name it`);
        // What was refused is left as it was found.
        if (content && !readFileSync(path.join(folder, file)).equals(content)) silent.push(`${file}, ${what}: was written to`);
        if (readdirSync(folder).includes('.lock')) silent.push(`${file}, ${what}: the lock was left`);
      } else {
        harmless++;
        // A complete run needs its checkpoint no more: it may be removed to save room.
        const spared = complete && file === 'checkpoint.safetensors' && content === undefined;
        const expected = killedEarlier ? unfinished : spared ? { ...start, checkpoint: undefined } : start;
        if (!same(went, expected)) silent.push(`${file}, ${what}: goes on with something else`);
      }
    }
    expect(silent).toEqual([]);
    expect(refused).toBeGreaterThan(400);
    // Of the lines after the checkpoint, one in each log, which are made again.
    expect(harmless).toBeLessThan(complete ? 3 : 160);
  }, 120_000);
});

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
const sorted = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value;

/** Of the file, or of the one beside it that it does not fit. */
const namesFile = (error: Error, file: File): boolean =>
  error instanceof RunError &&
  (error.message.includes(path.basename(file)) ||
    /belongs to another run than the config\.json beside it|result was written/.test(error.message));

async function outcome<T>(body: () => Promise<T>): Promise<T | Error> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}
