import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FolderLock, lockFile, RunError } from '@initlab/lab';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bundledProgram, temporaryFolder } from './fixtures.js';
import type { LockAnswer, LockOrder } from './lock-contender.js';

const root = temporaryFolder();
let count = 0;
const place = (): string => {
  const folder = path.join(root, `folder${count++}`);
  mkdirSync(folder);
  return folder;
};
const fileOf = (folder: string): string => path.join(folder, lockFile);
const saidBy = (folder: string) => JSON.parse(readFileSync(fileOf(folder), 'utf8')) as Record<string, unknown>;
/** A number that no process has any more. */
const gonePid = spawnSync(process.execPath, ['--version']).pid;

/** Leaves a lock as another holder would have written it, so many seconds ago. */
function leave(folder: string, { holder = {}, age = 0, text }: { holder?: object; age?: number; text?: string } = {}): void {
  const lock = FolderLock.take(folder);
  const own = saidBy(folder);
  lock.release();
  writeFileSync(fileOf(folder), text ?? JSON.stringify({ ...own, id: crypto.randomUUID(), ...holder }));
  const then = new Date(Date.now() - age * 1e3);
  utimesSync(fileOf(folder), then, then);
}

describe('one process at a time', () => {
  it('says who has it, and leaves nothing behind when it is given back, once or twice', () => {
    const folder = place();
    const lock = FolderLock.take(folder);
    expect(saidBy(folder)).toMatchObject({ pid: process.pid, host: expect.any(String), boot: expect.any(String) });
    expect(readdirSync(folder)).toEqual([lockFile]);
    expect(() => FolderLock.take(folder)).toThrow(
      new RegExp(`is in use by process ${process.pid} \\(started \\d{4}-.*heard of 0 s ago.*Wait for it or stop it.*--take-lock`),
    );
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    const second = FolderLock.take(folder);
    lock.release();
    second.checkHeld();
    expect(() => lock.checkHeld()).toThrow(/closed already/);
    second.release();
  });

  it.each([
    ['of a process that is gone', { holder: { pid: gonePid } }],
    ['of a process whose number another has by now', { holder: { birth: '1' } }],
    ['of another machine, silent for 91 s', { holder: { host: 'elsewhere', boot: 'b' }, age: 91 }],
    ['of another container, silent for 91 s', { holder: { pidNamespace: 'pid:[1]', pid: 1 }, age: 91 }],
    ['of this very process, silent for 91 s', { age: 91 }],
    ['that cannot be read, 91 s old', { text: '{"pi', age: 91 }],
    ['of an older initlab, 91 s old', { text: '{"pid":1,"birth":"","started":""}', age: 91 }],
  ])('takes one %s', (_, left) => {
    const folder = place();
    leave(folder, left);
    const lock = FolderLock.take(folder);
    expect(saidBy(folder).pid).toBe(process.pid);
    lock.checkHeld();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [
      'of another machine',
      { holder: { host: 'elsewhere', boot: 'b', pid: gonePid }, age: 80 },
      /process \d+ .*machine or container "elsewhere".*80 s ago/,
    ],
    ['of a machine of the same name', { holder: { boot: 'b', pid: gonePid } }, /is in use by process \d+/],
    ['of another container', { holder: { pidNamespace: 'pid:[1]', pid: gonePid } }, /another container of this machine/],
    ['that cannot be read', { text: '' }, /something whose lock cannot be read/],
  ])('refuses a fresh one %s, unless told to take it', (_, left, message) => {
    const folder = place();
    leave(folder, left);
    expect(() => FolderLock.take(folder)).toThrow(message);
    expect(readdirSync(folder)).toEqual([lockFile]);
    FolderLock.take(folder, { force: true }).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a holder whose lock was taken writes nothing more and does not free it', () => {
    const folder = place();
    const first = FolderLock.take(folder);
    const second = FolderLock.take(folder, { force: true });
    expect(() => first.checkHeld()).toThrow(RunError);
    expect(() => first.checkHeld()).toThrow(/was taken over by process \d+.*writes nothing more/);
    first.release();
    second.checkHeld();
    rmSync(fileOf(folder));
    expect(() => second.checkHeld()).toThrow(/its lock is gone/);
    second.release();
  });

  it('goes on where one died while it took the lock', () => {
    const folder = place();
    leave(folder, { holder: { pid: gonePid } });
    const { id } = saidBy(folder) as { id: string };
    // Claimed, but not renamed: by one that is gone, and by one that lives.
    const claim = path.join(folder, `${lockFile}.${id}.next`);
    writeFileSync(claim, JSON.stringify({ ...saidBy(folder), id: 'second' }));
    const lock = FolderLock.take(folder);
    expect(readdirSync(folder)).toEqual([lockFile]);
    lock.release();
    leave(folder, { holder: { pid: gonePid } });
    const old = saidBy(folder) as { id: string };
    writeFileSync(path.join(folder, `${lockFile}.${old.id}.next`), JSON.stringify({ ...old, id: 'third', pid: process.pid }));
    expect(() => FolderLock.take(folder)).toThrow(new RegExp(`in use by process ${process.pid}`));
  });

  it('clears away what was left of old attempts, not what is in use', () => {
    const folder = place();
    for (const [name, age] of [
      ['old.new', 100],
      ['fresh.new', 0],
    ] as const) {
      writeFileSync(path.join(folder, `${lockFile}.${name}`), '');
      utimesSync(path.join(folder, `${lockFile}.${name}`), Date.now() / 1e3 - age, Date.now() / 1e3 - age);
    }
    FolderLock.take(folder).release();
    expect(readdirSync(folder)).toEqual([`${lockFile}.fresh.new`]);
  });
});

describe('several processes', () => {
  const contenders: ChildProcess[] = [];
  afterAll(() => {
    for (const child of contenders) child.kill('SIGKILL');
  });
  const answerOf = (child: ChildProcess) =>
    new Promise<LockAnswer>((resolve) => child.once('message', (answer) => resolve(answer as LockAnswer)));
  const ask = (child: ChildProcess, order: LockOrder): Promise<LockAnswer> => {
    const answer = answerOf(child);
    child.send(order);
    return answer;
  };

  it('of six that find an abandoned lock, or none, exactly one gets the folder, forty times', async () => {
    const program = await bundledProgram('lock-contender', { folder: root });
    for (let i = 0; i < 6; i++) contenders.push(fork(program, { execArgv: [] }));
    await Promise.all(contenders.map(answerOf));
    const abandoned = [{ holder: { pid: gonePid } }, { holder: { host: 'elsewhere', boot: 'b' }, age: 100 }, { text: '{', age: 100 }];
    for (let round = 0; round < 40; round++) {
      const folder = place();
      const kind = abandoned[round % 4];
      if (kind) leave(folder, kind);
      const at = Date.now() + 10;
      const answers = await Promise.all(contenders.map((child) => ask(child, { take: folder, at })));
      const winners = answers.flatMap(({ taken }, i) => (taken ? [i] : []));
      expect(winners, `round ${round}: ${answers.map(({ message }) => message).join(' | ')}`).toHaveLength(1);
      for (const { taken, message } of answers) if (!taken) expect(message).toMatch(/is in use by/);
      const winner = contenders[winners[0] as number] as ChildProcess;
      expect(readFileSync(path.join(folder, 'holder'), 'utf8')).toBe(String(winner.pid));
      await ask(winner, { release: true });
      expect(readdirSync(folder)).toEqual(['holder']);
    }
  }, 300_000);
});

it('is written anew every fifteen seconds', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const folder = place();
  const lock = FolderLock.take(folder);
  const then = new Date(Date.now() - 60_000);
  utimesSync(fileOf(folder), then, then);
  const text = readFileSync(fileOf(folder), 'utf8');
  vi.advanceTimersByTime(15_000);
  vi.useRealTimers();
  await expect.poll(() => statSync(fileOf(folder)).mtimeMs).toBeGreaterThan(Date.now() - 30_000);
  expect(readFileSync(fileOf(folder), 'utf8')).toBe(text);
  lock.release();
});
