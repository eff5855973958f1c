import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openDevice } from '@initlab/core';
import { failureOf, listRuns, planTable, RunFolder, runSweep, sweepTable } from '@initlab/lab';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { launchSettings } from '../../packages/lab/src/commands/launch.js';
import { slurmTaskCommand } from '../../packages/lab/src/commands/slurm-task.js';
import {
  arraySizeIn,
  batchScript,
  jobIdIn,
  type Launch,
  liveTasksIn,
  mostStarts,
  planArrays,
  RunStarts,
  sbatchArguments,
  settingOptions,
  signalSeconds,
  slurmSettings,
  timeSeconds,
  writeLaunch,
} from '../../packages/lab/src/launch/index.js';
import { runConfig } from '../../packages/lab/src/train/train-setup.js';
import { initlab } from '../support/cli.js';
import { silentProgress } from '../support/silent-progress.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const settings = { arch: 'mlp2-16', dataset: 'fashion-mnist-sample', limit: 256, batchSize: 16 } as const;

describe('job arrays', () => {
  it('hold every task once, none more than Slurm allows, and never more at once than wanted', () => {
    const whole = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(
        whole,
        fc.integer({ min: 1, max: 400 }),
        fc.option(fc.integer({ min: 1, max: 60 })),
        (tasks, maxArraySize, maxParallel) => {
          const arrays = planArrays(tasks, { maxArraySize, maxParallel });
          expect(arrays.length).toBe(Math.ceil(tasks / maxArraySize));
          let next = 0;
          for (const array of arrays) {
            expect(array.offset).toBe(next);
            expect(array.tasks).toBeGreaterThan(0);
            expect(array.tasks).toBeLessThanOrEqual(maxArraySize);
            next += array.tasks;
          }
          expect(next).toBe(tasks);
          if (maxParallel === null) {
            expect(arrays.every(({ throttle, after }) => throttle === undefined && after === undefined)).toBe(true);
            return;
          }
          // Those that wait for none run at once; each of them has one successor at most, with the same share.
          const first = arrays.filter(({ after }) => after === undefined);
          expect(first.reduce((sum, { throttle = 0 }) => sum + throttle, 0)).toBeLessThanOrEqual(maxParallel);
          expect(first.every(({ throttle = 0 }) => throttle > 0)).toBe(true);
          const followed = arrays.flatMap(({ after }) => (after === undefined ? [] : [after]));
          expect(new Set(followed).size).toBe(followed.length);
          for (const { after, throttle } of arrays) if (after !== undefined) expect(arrays[after]?.throttle).toBe(throttle);
        },
      ),
    );
  });

  it('are as small as the cluster says', () => {
    expect(arraySizeIn('MaxArraySize            = 4\nMaxJobCount = 10')).toBe(4);
    expect(arraySizeIn('SchedulerParameters     = bf_continue,max_array_tasks=50,x=1\nMaxArraySize            = 1001\n')).toBe(50);
    expect(arraySizeIn('nothing known')).toBe(1001);
  });
});

describe('what Slurm prints', () => {
  it('is read with what a site adds to it', () => {
    expect(jobIdIn('12\n')).toBe('12');
    expect(jobIdIn('12;cluster\n')).toBe('12');
    expect(jobIdIn('Your balance: 30 hours\n4711\n')).toBe('4711');
    expect(jobIdIn('')).toBeUndefined();
    const queue =
      '7|0|RUNNING|None|sweep-ab-0\n7|1|PENDING|Resources|sweep-ab-0\n7|2|COMPLETING|None|sweep-ab-0\n7|3|CANCELLED|None|sweep-ab-0\n';
    expect(liveTasksIn(`${queue}9|N/A|RUNNING|None|other\n`)).toEqual([
      { name: 'sweep-ab-0', job: '7', task: 0, state: 'RUNNING', reason: 'None' },
      { name: 'sweep-ab-0', job: '7', task: 1, state: 'PENDING', reason: 'Resources' },
      { name: 'sweep-ab-0', job: '7', task: 2, state: 'COMPLETING', reason: 'None' },
    ]);
  });

  it('times are read as Slurm reads them', () => {
    const times = { 90: 5400, '1:30': 90, '1:30:00': 5400, '2-12': 216_000, '1-0:30': 88_200, '1-1:1:1': 90_061 };
    for (const [time, seconds] of Object.entries(times)) expect(timeSeconds(time), time).toBe(seconds);
    for (const wrong of ['', '1h', '1:2:3:4', '-1']) expect(timeSeconds(wrong), wrong).toBeNaN();
  });
});

describe('what a job is asked for', () => {
  it('becomes options of sbatch, the user’s own last', () => {
    const asked = slurmSettings({ partition: 'gpu', gres: 'gpu:1', time: '4:00:00', sbatch: ['--mem=16G'] }, { origin: 'test' });
    expect(settingOptions(asked)).toEqual(['--partition=gpu', '--time=4:00:00', '--gres=gpu:1', '--signal=B:USR1@300', '--mem=16G']);
    const array = { offset: 4, tasks: 3, throttle: 2 };
    const given = sbatchArguments({ name: 'sweep-ab-1', array, after: '11', logs: '/r/100%/logs', script: '/r/job.sh', options: ['-x'] });
    expect(given).toEqual([
      ...['--parsable', '--job-name=sweep-ab-1', '--array=0-2%2', '--output=/r/100%%/logs/%A_%a.log', '--open-mode=append', '--requeue'],
      ...['--dependency=afterany:11', '-x', '/r/job.sh', '4'],
    ]);
  });

  it('the signal leaves a short task most of its time', () => {
    expect(signalSeconds({ time: '20' })).toBe(300);
    expect(signalSeconds({ time: '10' })).toBe(150);
    expect(signalSeconds({})).toBe(300);
    expect(signalSeconds({ time: '1:00:00', signalSeconds: 600 })).toBe(600);
  });

  it.each([
    [{ partitoin: 'gpu' }, /f\.json: .*partitoin.*Keys are partition, account/],
    [{ runsPerTask: 0 }, /f\.json: runsPerTask: /],
    [{ time: '4h' }, /f\.json: time 4h: is not as Slurm writes times/],
    [{ time: '5', signalSeconds: 300 }, /signalSeconds 300: leaves nothing/],
    [{ sbatch: ['--array=0-9'] }, /sbatch: --array=0-9 is the launcher’s own/],
    [{ sbatch: ['-o out'] }, /launcher’s own/],
    [{ sbatch: ['mem=3G'] }, /is no option; write it as in --mem=16G/],
  ])('%j is refused', (input, message) => {
    expect(() => slurmSettings(input, { origin: 'f.json' })).toThrow(message);
  });
});

describe('the batch script', () => {
  it('hands its process over to Node, with whatever stands in names and paths', () => {
    const cwd = path.join(folder, "it's $HOME 100%");
    mkdirSync(cwd);
    const command = [
      process.execPath,
      '-e',
      'console.log(JSON.stringify([process.pid, process.cwd(), process.env.INITLAB_X, process.argv.slice(1)]))',
    ];
    const env = { INITLAB_X: 'a "b" `c`\nd' };
    const script = batchScript({
      folder: '/the/launch',
      cwd,
      command,
      env,
      settings: { setup: ['export SET=up', 'INITLAB_X="$INITLAB_X$SET"'] },
    });
    const { stdout, pid } = spawnSync('bash', ['-c', script, 'job', '40'], { env: { SLURM_ARRAY_TASK_ID: '2' }, encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual([pid, cwd, `${env.INITLAB_X}up`, ['slurm-task', '/the/launch', '42']]);
    const gone = batchScript({ folder: '/x', cwd: path.join(folder, 'gone'), command, env: {}, settings: { setup: [] } });
    expect(spawnSync('bash', ['-c', gone, 'job', '0'], { encoding: 'utf8' })).toMatchObject({ status: 1, stdout: '' });
  });
});

it('a run that is begun four times from one stand is given up, until it is sent again', async () => {
  const begin = (launch: string): Promise<void> => new RunStarts({ place: folder, launch, logs: 'the logs' }).begin('abc');
  for (let i = 0; i < mostStarts; i++) await begin('one');
  await expect(begin('one')).rejects.toThrow(/abc: was begun 4 times .* given up\. See the logs/);
  await begin('two');
  // Within a process a start counts once.
  const starts = new RunStarts({ place: folder, launch: 'two', logs: '' });
  for (let i = 0; i < 9; i++) await starts.begin('abc');
});

/** A submission as it lies on the disk once sbatch was called. */
async function written(
  name: string,
  { epochs, seeds }: { epochs: number; seeds: number[] },
): Promise<{ root: string; launch: string; keys: string[] }> {
  const table = sweepTable({ settings: { ...settings, epochs }, grid: {}, seeds });
  const cells = planTable(table, { scale: 'full', seeds }).flatMap((part) => part.cells.flatMap((cell) => cell.runs));
  const wanted = cells.map(({ config, seed }) => ({ label: `seed ${seed}`, config }));
  const { keys } = await listRuns(wanted);
  const [root, launch] = [path.join(folder, name), path.join(folder, name, 'sweeps', 'x', 'slurm', 'y')];
  // The fourth is named as if a file of the user's had been another when it was sent.
  const runs = wanted.map((run, i) => ({ ...run, key: i < 3 ? (keys[i] as string) : 'stale' }));
  const own: Launch = { id: 'y', title: 'sweep', created: '', root, runsPerTask: 2, arrays: [{ name: 'n', offset: 0, tasks: 2 }], runs };
  await writeLaunch(launch, own, { script: '' });
  return { root, launch, keys };
}
const task = { ...process.env, SLURM_ARRAY_JOB_ID: '7', SLURM_ARRAY_TASK_ID: '0', PATH: folder };

describe('a task', () => {
  it('makes the runs of its slice alone, but for one begun too often and one that is no longer what was sent', async () => {
    const { root, launch, keys } = await written('slice', { epochs: 1, seeds: [0, 1, 2, 3] });
    const runs = path.join(root, 'by-hash');
    const begun = path.join(runs, keys[0] as string);
    mkdirSync(begun, { recursive: true });
    writeFileSync(path.join(begun, '.starts.json'), JSON.stringify({ launch: 'y', stand: '', starts: mostStarts }));
    const first = await initlab(['slurm-task', launch, '0'], { env: task });
    expect(first.stderr).toMatch(/^Task 0 \(job 7_0\) on .*: 2 of 2 runs to make\.$/m);
    expect(first.stderr).toMatch(/^seed 0: .*was begun 4 times since it was sent/m);
    expect(first.stderr).toMatch(/^seed 1: done$/m);
    expect(first.status).toBe(1);
    expect(failureOf(begun)).toMatch(/given up/);
    expect(readdirSync(runs).sort()).toEqual(keys.slice(0, 2).sort());
    const second = await initlab(['slurm-task', launch, '1'], { env: task });
    expect(second.stderr).toMatch(/^seed 3: it is another run now than the one that was sent/m);
    expect(second.stderr).toMatch(/^seed 2: done$/m);
    expect(second.status).toBe(1);
    expect(failureOf(path.join(runs, 'stale'))).toMatch(/was changed\. Send it again/);
    await expect(slurmTaskCommand(launch, 2)).rejects.toThrow(/has no task 2/);
  });

  it('saves on SIGUSR1 and asks to be queued anew; on SIGTERM it only saves', async () => {
    const { root, launch, keys } = await written('told', { epochs: 5000, seeds: [0] });
    const told = (signal: NodeJS.Signals) => {
      let sent = false;
      return initlab(['slurm-task', launch, '0'], {
        env: task,
        onOutput: (text, kill) => {
          if (sent || !/epoch \d+\/5000/.test(text)) return;
          sent = true;
          kill(signal);
        },
      });
    };
    const checkpoint = path.join(root, 'by-hash', keys[0] as string, 'checkpoint.safetensors');
    const soon = await told('SIGUSR1');
    // Without Slurm's commands it cannot be queued, and says so.
    expect(soon.stderr).toMatch(/task 7_0 could not be queued anew\. Everything is saved: .* scontrol says: there is no scontrol/);
    expect(soon.status).toBe(1);
    const saved = statSync(checkpoint).mtimeMs;
    const over = await told('SIGTERM');
    expect(over.stderr).toMatch(/^Saved, with 1 run left\./m);
    expect(over.stderr).not.toMatch(/queued anew/);
    expect(over.status).toBe(130);
    expect(statSync(checkpoint).mtimeMs).toBeGreaterThan(saved);
  });
});

it('runs that others have in hand are left to them after a while, where that is wished', async () => {
  const root = path.join(folder, 'held');
  const table = sweepTable({ settings: { ...settings, epochs: 1 }, grid: {}, seeds: [0] });
  const cells = planTable(table, { scale: 'full', seeds: [0] }).flatMap((part) => part.cells.flatMap((cell) => cell.runs));
  const { runs, keys } = await listRuns([{ label: 'held', config: cells[0]!.config }]);
  const setup = { name: 'held', folder: path.join(root, keys[0] as string), config: runConfig(runs[0]!) };
  const held = await RunFolder.create(setup);
  const device = await openDevice();
  const told: string[] = [];
  const progress = { ...silentProgress(), log: (line: string) => void told.push(line) };
  expect(await runSweep(runs, { root, device, progress, waitSeconds: 1 })).toEqual({ complete: false, failed: new Map() });
  expect(told.at(-1)).toBe('Left to the processes that have them in hand: 1 run.');
  held.close();
  expect(await runSweep(runs, { root, device, progress, waitSeconds: 1 })).toMatchObject({ complete: true });
  device.close();
});

describe('--launcher slurm', () => {
  it('says what to do where there is no Slurm', async () => {
    const config = path.join(folder, 'settings.json');
    writeFileSync(config, JSON.stringify({ ...settings, epochs: 1 }));
    const args = ['sweep', '--config', config, '--root', path.join(folder, 'none'), '--launcher', 'slurm'];
    const { status, stderr } = await initlab(args, { env: { ...process.env, PATH: folder } });
    expect(stderr).toMatch(/there is no sbatch on this machine’s PATH\. .*login nodes/);
    expect(status).toBe(1);
  });

  it('is needed for its options, which may stand in a file', async () => {
    await expect(launchSettings({ partition: 'gpu' })).rejects.toThrow(/^--partition: goes with --launcher slurm$/);
    await expect(launchSettings({ maxParallel: 3 })).rejects.toThrow(/^--max-parallel: goes with --launcher slurm$/);
    expect(await launchSettings({})).toBeUndefined();
    const file = path.join(folder, 'slurm.json');
    writeFileSync(file, '{ "partitions": "gpu" }');
    await expect(launchSettings({ launcher: 'slurm', slurm: file })).rejects.toThrow(
      /--slurm .*slurm\.json: .*partitions.*Keys are partition/,
    );
    writeFileSync(file, '["gpu"]');
    await expect(launchSettings({ launcher: 'slurm', slurm: file })).rejects.toThrow(/holds no object of settings, such as/);
  });
});
