import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readRun } from '@initlab/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

// A real slurmctld, slurmd and munged on one node, without accounting: scripts/slurm-one-node.sh starts them.
const daemons = ['slurmctld', 'slurmd', 'munged', 'sbatch'];
const found = (name: string): boolean =>
  ['/usr/sbin', '/usr/bin', '/sbin', '/usr/local/sbin'].some((place) => existsSync(path.join(place, name)));
const lacking = daemons.filter((name) => !found(name));
const folder = temporaryFolder();
const cluster = path.join(folder, 'cluster');
// Someone who wants to see only what runs: what waits must not be sent twice for that.
const env = { ...process.env, SLURM_CONF: path.join(cluster, 'slurm.conf'), SQUEUE_STATES: 'RUNNING' };
const settings = { arch: 'mlp2-16', dataset: 'fashion-mnist-sample', limit: 256, batchSize: 16 };

const oneNode = (what: string): void => {
  const { status, stdout, stderr } = spawnSync('bash', [path.resolve('scripts/slurm-one-node.sh'), what, cluster], { encoding: 'utf8' });
  expect(status, `${stdout}${stderr}`).toBe(0);
};
const command = (program: string, ...args: string[]): string => {
  const { SQUEUE_STATES: _, ...all } = env;
  const { status, stdout, stderr } = spawnSync(program, args, { env: all, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout.trim();
};

async function until(what: string, condition: () => boolean, { seconds = 90 }: { seconds?: number } = {}): Promise<void> {
  const end = performance.now() + seconds * 1e3;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${seconds} s have gone by without: ${what}\n${command('squeue', '--array')}`);
    await setTimeout(200);
  }
}

/** A sweep of its own folder: sends it, answers what `--json` says, and its logs. */
function sweepIn(name: string, { epochs, args = [] }: { epochs: number; args?: string[] }) {
  const [root, config] = [path.join(folder, name), path.join(folder, `${name}.json`)];
  writeFileSync(config, JSON.stringify({ ...settings, epochs }));
  const sweep = ['sweep', '--config', config, '--root', root, ...args];
  const logs = (): string => {
    const place = path.join(root, 'sweeps');
    const files = (readdirSync(place, { recursive: true }) as string[]).filter((file) => file.endsWith('.log'));
    return files.map((file) => readFileSync(path.join(place, file), 'utf8')).join('');
  };
  return {
    root,
    logs,
    here: () => initlab(sweep),
    send: (...more: string[]) => initlab([...sweep, '--launcher', 'slurm', ...more], { env }),
    sent: async (...more: string[]) => {
      const { status, stdout, stderr } = await initlab([...sweep, '--launcher', 'slurm', '--json', ...more], { env });
      expect(status, stderr).toBe(0);
      return JSON.parse(stdout);
    },
    /** Epochs that the only run has logged. */
    epochs: (): number => {
      const log = path.join(
        root,
        'by-hash',
        existsSync(path.join(root, 'by-hash')) ? (readdirSync(path.join(root, 'by-hash'))[0] ?? '') : '',
        'metrics.jsonl',
      );
      return existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0;
    },
  };
}

/** Every run's epochs without the seconds. */
async function outcomes(root: string): Promise<Record<string, unknown>> {
  const runs = readdirSync(path.join(root, 'by-hash')).map(async (key) => {
    const { metrics, result } = await readRun(path.join(root, 'by-hash', key), { all: true });
    expect(result, key).toBeDefined();
    return [key, metrics.map(({ seconds: _, ...epoch }) => epoch)] as const;
  });
  return Object.fromEntries(await Promise.all(runs));
}

const queued = (job: string): string => command('squeue', '--noheader', '--array', '--format=%K %T %r', `--name=${job}`);
const idle = (): boolean => command('squeue', '--noheader') === '';

describe.skipIf(lacking.length > 0)(`on a real Slurm${lacking.length > 0 ? ` (not here: ${lacking.join(', ')})` : ''}`, () => {
  beforeAll(() => oneNode('start'));
  afterAll(() => oneNode('stop'));

  it('a sweep is cut at MaxArraySize, and every run is made once', async () => {
    const sweep = sweepIn('split', { epochs: 1, args: ['--grid', 'lr=0.05,0.02', '--seeds', '6'] });
    const first = await sweep.sent('--runs-per-task', '2', '--max-parallel', '2');
    expect(first).toMatchObject({ runs: 12, done: 0, inHand: 0, sent: 12, jobs: [{ tasks: 3 }, { tasks: 3 }] });
    // Nothing of what is queued is sent again.
    expect(await sweep.sent('--runs-per-task', '2')).toMatchObject({ sent: 0, jobs: [] });
    await until('an empty queue', idle);
    const all = await sweep.sent();
    expect(all).toMatchObject({ table: 'sweep', complete: true });
    expect(sweep.logs().match(/: done$/gm)).toHaveLength(12);
    const alone = sweepIn('split-here', { epochs: 1, args: ['--grid', 'lr=0.05,0.02', '--seeds', '6'] });
    expect((await alone.here()).status).toBe(0);
    expect(await outcomes(sweep.root)).toEqual(await outcomes(alone.root));
  });

  it('told of its end, preempted, its node dead, its daemons dead: a run comes to the very same result', async () => {
    const sweep = sweepIn('long', { epochs: 300 });
    const [{ id: job }] = (await sweep.sent()).jobs;
    const state = (): string => command('squeue', '--noheader', '--array', '--format=%T', `--jobs=${job}`);
    const seen = (count: number): Promise<void> => until(`${count} epochs`, () => sweep.epochs() >= count);
    const begunAgain = (count: number): Promise<void> => until(`restart ${count}`, () => sweep.logs().includes(`restart ${count}:`));

    await seen(10);
    command('scancel', '--signal=USR1', '--batch', `${job}_0`);
    await begunAgain(1);
    // Slurm writes its own lines into the same log, whenever it comes to it.
    expect(sweep.logs()).toMatch(/^SIGUSR1: saving after this step\.\n(slurmstepd.*\n)*Task \d+_0 is queued anew, with 1 run left\.$/m);

    await seen(sweep.epochs() + 5);
    const urgent = command('sbatch', '--parsable', '--partition=urgent', '--cpus-per-task=2', '--output=/dev/null', '--wrap=sleep 1');
    await begunAgain(2);
    expect(sweep.logs()).toMatch(/^SIGTERM: saving after this step\.\n(slurmstepd.*\n)*Saved, with 1 run left\./m);
    expect(urgent).toMatch(/^\d+$/);

    // A younger job would be taken for one that is still starting.
    await setTimeout(8000);
    oneNode('kill-node');
    oneNode('start-node');
    await begunAgain(3);

    // What Slurm has lost sight of runs on and keeps its lock: the task that is begun in its place leaves the run alone.
    await setTimeout(8000);
    const before = sweep.epochs();
    oneNode('kill-daemons');
    oneNode('start-node');
    await begunAgain(4);
    expect(state()).toMatch(/RUNNING|COMPLETING/);
    await until('an empty queue', idle);
    expect(before).toBeLessThan(300);
    expect(sweep.logs()).toMatch(/^Waiting for 1 run that other processes have in hand\.$/m);
    expect(sweep.logs().match(/: done$/gm)).toHaveLength(1);
    const alone = sweepIn('long-here', { epochs: 300 });
    expect((await alone.here()).status).toBe(0);
    expect(await outcomes(sweep.root)).toEqual(await outcomes(alone.root));
  }, 600_000);

  it('scancel saves and ends it; what has no result is sent again, and nothing else', async () => {
    const sweep = sweepIn('cancelled', { epochs: 40, args: ['--seeds', '3'] });
    const first = await sweep.sent('--max-parallel', '2');
    const [{ id: job }] = first.jobs;
    await until('a run is done', () => /: done$/m.test(sweep.logs()));
    await until('another is under way', () => /epoch \d+\/40.*0 of 1 runs[\s\S]*epoch \d+\/40.*0 of 1 runs/.test(sweep.logs()));
    command('scancel', job);
    await until('an empty queue', idle);
    const done = (sweep.logs().match(/: done$/gm) ?? []).length;
    expect(done).toBeLessThan(3);
    expect(sweep.logs()).not.toMatch(/queued anew,/);
    const again = await sweep.send();
    expect(again.stdout).toMatch(new RegExp(`^sweep: 3 runs: ${done} done, ${3 - done} sent$`, 'm'));
    // Without accounting nobody knows how they ended.
    expect(again.stdout).toMatch(new RegExp(`^ {2}${3 - done} of them were sent before and came to no result\\.$`, 'm'));
    for (const line of again.stdout.split('\n').filter((line) => !line.includes(folder))) expect(line.length).toBeLessThanOrEqual(80);
    await until('an empty queue', idle);
    expect(await sweep.sent()).toMatchObject({ complete: true });
    expect(sweep.logs().match(/: done$/gm)).toHaveLength(3);
  });

  it('what Slurm refuses is told in its words, and nothing is left behind', async () => {
    const sweep = sweepIn('refused', { epochs: 1 });
    const { status, stderr } = await sweep.send('--partition', 'nowhere');
    expect(status).toBe(1);
    expect(stderr).toMatch(/sbatch refused, and nothing was sent\. It says: sbatch: error: .*invalid partition/);
    expect(sweep.logs()).toBe('');
    expect(queued('nothing')).toBe('');
    expect(idle()).toBe(true);
  });
});
