import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { diskError, makeFolder, RunError, RunFolder, replaceFile } from '@initlab/lab';
import { describe, expect, it } from 'vitest';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();
let count = 0;
const place = (): string => path.join(root, `place${count++}`);
const create = (folder: string) => RunFolder.create({ name: 'test', folder, config: {} });

/** Root may do everything; for a while this process is one that may not. */
async function asNobody<T>(body: () => Promise<T>): Promise<T> {
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    return await body();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

const file = (at: string): string => {
  writeFileSync(at, '');
  return at;
};
const link = (at: string, to: string): string => {
  symlinkSync(to, at);
  return at;
};

describe('a folder that cannot be used is refused with the reason', () => {
  it('no permission, to make it, to write in it, or to look into it', async () => {
    const closed = place();
    mkdirSync(closed);
    const run = await create(path.join(closed, 'run'));
    run.close();
    chmodSync(root, 0o755);
    chmodSync(closed, 0o555);
    await asNobody(async () => {
      await expect(create(path.join(closed, 'new', 'er'))).rejects.toThrow(/new: no permission\. Choose another folder with --out/);
      await expect(create(closed)).rejects.toThrow(/no permission\. Choose another/);
      await expect(replaceFile(path.join(closed, 'f'), 'x')).rejects.toThrow(/no permission/);
    });
    chmodSync(closed, 0o000);
    // Not "holds no run": nobody could look.
    await asNobody(() => expect(RunFolder.resume(path.join(closed, 'run'))).rejects.toThrow(/cannot be read: no permission/));
    chmodSync(closed, 0o755);
  });

  it.each([
    ['a file in its path', (at: string) => path.join(file(at), 'run'), /is a file, not a folder/],
    ['a file in its place', file, /of that name is there already/],
    ['a link that leads nowhere', (at: string) => link(at, `${at}-gone`), /of that name is there already/],
    ['links in a circle', (at: string) => path.join(link(at, at), 'run'), /symbolic links in its path lead nowhere/],
    ['a name too long', (at: string) => path.join(at, 'x'.repeat(300)), /name is too long/],
    ['a file system that takes no folders', () => '/proc/run/x', /takes no new folders|no permission|read-only/],
  ])('%s', async (_, make, message) => {
    const folder = make(place());
    await expect(create(folder)).rejects.toThrow(message);
    await expect(create(folder)).rejects.toThrow(RunError);
  });

  it('a disk that is full, or that only reads', async () => {
    const disk = place();
    mkdirSync(disk);
    // Only root may mount; the words for these codes are tested below too.
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]).status !== 0) return;
    try {
      const run = await create(path.join(disk, 'run'));
      run.logMetrics({ step: 1 });
      const large = (metadata: Readonly<Record<string, string>>): Uint8Array => {
        const header = Buffer.from(JSON.stringify({ __metadata__: metadata, x: { dtype: 'U8', shape: [1e5], data_offsets: [0, 1e5] } }));
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(header.length));
        return Buffer.concat([length, header, Buffer.alloc(1e5)]);
      };
      await expect(run.saveCheckpoint(large)).rejects.toThrow(/checkpoint\.safetensors: the disk is full.*intact.*--resume/);
      expect(run.metrics()).toEqual([{ step: 1 }]);
      expect(readdirSync(run.folder)).not.toContain('.checkpoint.safetensors.part');
      run.close();
      spawnSync('mount', ['-o', 'remount,ro', disk]);
      await expect(create(path.join(disk, 'other'))).rejects.toThrow(/file system is read-only\. Choose another/);
      await expect(RunFolder.resume(run.folder)).rejects.toThrow(/file system is read-only/);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

it('each thing that a system refuses has words of its own', () => {
  const codes = [
    'ENOSPC',
    'EDQUOT',
    'EIO',
    'EACCES',
    'EROFS',
    'ENOENT',
    'ENOTDIR',
    'EISDIR',
    'ENAMETOOLONG',
    'ELOOP',
    'EMFILE',
    'ENFILE',
    'ESTALE',
  ];
  const said = codes.map((code) => diskError('f', Object.assign(new Error('system words'), { code })).message);
  expect(new Set(said).size).toBe(codes.length);
  expect(said.join('\n')).not.toContain('system words');
  expect(diskError('f', Object.assign(new Error('odd'), { code: 'ESOMETHING' })).message).toBe('f: odd');
});

it('folders are made one in the other, and those that are there are left', async () => {
  const folder = path.join(place(), 'a', 'b');
  await makeFolder(folder);
  writeFileSync(path.join(folder, 'f'), '');
  await makeFolder(folder);
  await makeFolder(`${folder}/`);
  expect(readdirSync(folder)).toEqual(['f']);
});

it('folders may be made by many at once', async () => {
  const root = place();
  const rounds = Array.from({ length: 100 }, (_, round) => path.join(root, String(round), 'a', 'b', 'c'));
  for (const folder of rounds) await Promise.all([folder, path.dirname(folder), folder, folder].map(makeFolder));
  expect(rounds.every((folder) => statSync(folder).isDirectory())).toBe(true);
});

describe('a command', () => {
  const unwritable = path.join('/proc', 'initlab-test', 'x');
  it.each([
    ['train --arch mlp3-32 --dataset fashion-mnist-sample --epochs 1 --limit 32 --out', unwritable],
    ['kernels dump --models mlp3-32 --batch 2', unwritable],
    ['new init', `${unwritable}/my-init.ts`],
  ])('%s ends with the reason', async (line, place) => {
    const { status, stderr } = await initlab([...line.split(' '), place]);
    expect(stderr).toMatch(/initlab: \/proc\/initlab-test.*(takes no new folders|no permission|read-only|does not exist)/);
    expect(status).toBe(1);
  });

  it('shows the stack of every error with INITLAB_DEBUG', async () => {
    const { stderr } = await initlab(['train', '--config', '/nowhere.json'], { env: { ...process.env, INITLAB_DEBUG: '1' } });
    expect(stderr).toMatch(/^initlab: InitlabError: --config \/nowhere\.json: there is no such file\n {4}at .*given-file.*ENOENT/s);
  });
});
