import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let root = '';
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'on-gpu-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), text);
};

/** A checkout with run.sh, this list, and programs that print a line, or fail when told to. */
function checkout(owed: string): void {
  mkdirSync(path.join(root, 'bench/on-gpu'), { recursive: true });
  cpSync(path.join(repository, 'bench/on-gpu/run.sh'), path.join(root, 'bench/on-gpu/run.sh'));
  write('bench/on-gpu/owed.txt', owed);
  const program = `const [what, ...rest] = process.argv.slice(2);
console.log(JSON.stringify({ program: import.meta.url.split('/').at(-1), what, rest, features: process.env.INITLAB_DAWN_FEATURES }));
if (what === 'fail') { console.error('it broke'); process.exit(3); }
if (what === 'tune') {
  const { mkdirSync, writeFileSync } = await import('node:fs');
  mkdirSync(process.env.XDG_CACHE_HOME + '/initlab/tuned', { recursive: true });
  writeFileSync(process.env.XDG_CACHE_HOME + '/initlab/tuned/gpu.json', '{}');
}`;
  write('dist/initlab.mjs', program);
  write('bench/run-peers.mjs', program);
}

function run(minutes = '9'): { said: string[]; results: string } {
  const { stdout, stderr, status } = spawnSync('sh', [path.join(root, 'bench/on-gpu/run.sh'), 'out', minutes], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PYTHON: 'no-python-here', INITLAB_DATA: path.join(root, 'none') },
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const results = path.join(root, 'results');
  mkdirSync(results, { recursive: true });
  if (existsSync(path.join(root, 'out/on-gpu.tgz'))) spawnSync('tar', ['-xzf', path.join(root, 'out/on-gpu.tgz'), '-C', results]);
  return { said: stdout.trim().split('\n'), results };
}

describe('bench/on-gpu/run.sh', () => {
  it('goes on after a job that fails, keeps its log, and leaves what would not fit', () => {
    checkout('# a comment\nfirst 30 bench step --json\nbroken 30 fail now\nlong 9999 selftest\n\nlast 30 peers --models resnet20\n');
    const { said, results } = run();
    expect(said.filter((line) => /left|FAILED|done/.test(line)).map((line) => line.replace(/ (in|after) \d+ s/, ''))).toEqual([
      'on-gpu: first done',
      'on-gpu: broken FAILED (3)',
      'on-gpu: long left, it may take 9999 s',
      'on-gpu: last done',
      'on-gpu: 2 done, 2 left',
    ]);
    expect(said).toContain('it broke');
    expect(JSON.parse(readFileSync(path.join(results, 'first.jsonl'), 'utf8'))).toEqual({
      program: 'initlab.mjs',
      what: 'bench',
      rest: ['step', '--json'],
    });
    expect(JSON.parse(readFileSync(path.join(results, 'last.jsonl'), 'utf8'))).toEqual({
      program: 'run-peers.mjs',
      what: '--json',
      rest: ['--models', 'resnet20'],
    });
    expect(readFileSync(path.join(results, 'broken.failed'), 'utf8')).toContain('"what":"fail"');
    expect(readFileSync(path.join(results, 'broken.log'), 'utf8')).toContain('it broke');
    expect(existsSync(path.join(results, 'broken.jsonl'))).toBe(false);
  });

  it('skips what is committed or in the archive, and tries what failed last', () => {
    checkout('broken 30 fail once\ndone 30 selftest\nnew 30 bench norm\n');
    write('bench/results/on-gpu/done.jsonl', '{}\n');
    write('bench/results/on-gpu/broken.failed', '');
    expect(
      run()
        .said.filter((line) => / (done in|FAILED)/.test(line))
        .map((line) => line.split(' ')[1]),
    ).toEqual(['new', 'broken']);
    expect(
      run()
        .said.filter((line) => / (done in|FAILED)/.test(line))
        .map((line) => line.split(' ')[1]),
    ).toEqual(['broken']);
  });

  it('tuned kernels come along, from one call to the next', () => {
    checkout('tune 30 tune --json\n');
    const { results } = run();
    expect(readFileSync(path.join(results, 'tuned/gpu.json'), 'utf8')).toBe('{}');
    rmSync(path.join(root, 'out'), { recursive: true });
    cpSync(results, path.join(root, 'bench/results/on-gpu'), { recursive: true });
    write('bench/on-gpu/owed.txt', 'look 30 doctor\n');
    write('dist/initlab.mjs', "console.log((await import('node:fs')).readdirSync(process.env.XDG_CACHE_HOME + '/initlab/tuned').join())");
    rmSync(results, { recursive: true });
    expect(readFileSync(path.join(run().results, 'look.jsonl'), 'utf8')).toBe('gpu.json\n');
  });

  it('says what a job lacks', () => {
    checkout('a 30 peers --libs jaxjs\nb 30 python norm\nc 30 train --dataset fashion-mnist\n');
    if (existsSync('/usr/share/datasets/fashion-mnist')) write('bench/on-gpu/owed.txt', 'a 30 peers --libs jaxjs\nb 30 python norm\n');
    const { said } = run();
    expect(said[0]).toContain('bench/peers/dist');
    expect(said[1]).toContain('PyTorch');
    expect(said.some((line) => line.includes('done in'))).toBe(false);
  });

  it('runs the real command on this adapter', () => {
    checkout('doctor 60 doctor --json\n');
    write(
      'dist/initlab.mjs',
      `await import(${JSON.stringify(pathToFileURL(path.join(repository, 'packages/lab/bin/initlab.mjs')).href)});`,
    );
    const { results } = run();
    expect(JSON.parse(readFileSync(path.join(results, 'doctor.jsonl'), 'utf8'))).toHaveProperty('driver');
  });

  it('sets the variables of a job, for it alone', () => {
    checkout('with 30 INITLAB_DAWN_FEATURES=a,b bench step\nwithout 30 bench step\n');
    const { results } = run();
    const features = (name: string): unknown => JSON.parse(readFileSync(path.join(results, `${name}.jsonl`), 'utf8')).features;
    expect([features('with'), features('without')]).toEqual(['a,b', undefined]);
  });

  it('the list: every job has a name of its own, a limit and a command, and most fit a call of nine minutes', () => {
    const lines = readFileSync(path.join(repository, 'bench/on-gpu/owed.txt'), 'utf8').split('\n');
    const jobs = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/\s+/));
    expect(new Set(jobs.map(([name]) => name)).size).toBe(jobs.length);
    expect(jobs.filter(([, limit, command]) => !(Number(limit) > 0) || !command)).toEqual([]);
    expect(jobs.filter(([, limit]) => Number(limit) > 9 * 60 - 20).map(([name]) => name)).toEqual(['mobilenetv2']);
  });
});
