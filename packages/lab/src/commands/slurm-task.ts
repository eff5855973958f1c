import { hostname } from 'node:os';
import path from 'node:path';
import { InitlabError } from '@initlab/core';
import { launchFiles, onTaskSignals, RunStarts, readLaunch, requeue, runsOfTask, taskPlace } from '../launch/index.js';
import { isDone, listRuns, noteFailure, type SweepRun } from '../sweep/index.js';
import { trainConfig } from '../train/train-config.js';
import { openTunedDevice } from '../tune/index.js';
import { makeRuns } from './make-runs.js';

/** A lock that nobody beats is anybody's after 90 s: a task that takes over from a dead node waits that long, and a little. */
const waitSeconds = 120;

const counted = (runs: number): string => `${runs} run${runs === 1 ? '' : 's'}`;

/** `initlab slurm-task FOLDER N`, which a job array calls: the runs of task N of a submission. Returns the exit status. */
export async function slurmTaskCommand(folder: string, task: number): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const signals = onTaskSignals((name) => say(`${name}: saving after this step.`));
  try {
    const launch = await readLaunch(folder);
    const own = runsOfTask(launch, task);
    if (own.length === 0) throw new InitlabError(`${folder}: has no task ${task}`);
    const at = taskPlace(process.env);
    const place = path.join(launch.root, 'by-hash');
    const open = own.filter(({ key }) => !isDone(place, key));
    const begun = at.restarts > 0 ? `, restart ${at.restarts}` : '';
    say(
      `Task ${task}${at.job === undefined ? '' : ` (job ${at.job})`} on ${hostname()}${begun}: ${open.length} of ${counted(own.length)} to make.`,
    );
    if (open.length === 0) return 0;

    const starts = new RunStarts({ place, launch: launch.id, logs: path.join(folder, launchFiles.logs) });
    // Counted before anything that might take the process down; a run that is given up leaves the turn to the next.
    for (const { key } of open)
      if (
        await starts.begin(key).then(
          () => true,
          () => false,
        )
      )
        break;
    const { runs, changed } = await listOpen(open, { folder, dataDir: launch.dataDir });
    for (const { key, label } of changed) {
      const why = `it is another run now than the one that was sent: its data, a file of your own or initlab itself was changed. Send it again.`;
      say(`${label}: ${why}`);
      await noteFailure(path.join(place, key), why);
    }
    if (runs.length === 0) return 1;
    const device = await openTunedDevice();
    try {
      const end = await makeRuns(runs, {
        ...{
          root: launch.root,
          device,
          quiet: false,
          title: launch.title,
          jobs: launch.jobs,
          tensorboard: launch.tensorboard,
          signal: signals.signal,
          waitSeconds,
        },
        onOpened: ({ key }) => starts.begin(key),
      });
      const left = runs.filter(({ key }) => !isDone(place, key) && !end.failed.has(key)).length;
      if (left > 0 && signals.wantsRequeue()) {
        await requeue(at);
        say(`Task ${at.job} is queued anew, with ${counted(left)} left.`);
        return 0;
      }
      if (left > 0 && signals.signal.aborted) {
        say(`Saved, with ${counted(left)} left. Unless Slurm queues the task anew, the command that sent it sends them again.`);
        return 130;
      }
      return end.failed.size > 0 || changed.length > 0 ? 1 : 0;
    } finally {
      device.close();
    }
  } finally {
    signals.release();
  }
}

type Sent = ReturnType<typeof runsOfTask>;

/** The runs as they are here, and those that are no longer what was sent. */
async function listOpen(
  open: Sent,
  { folder, dataDir }: { folder: string; dataDir: string | undefined },
): Promise<{ runs: SweepRun[]; changed: Sent }> {
  const wanted = open.map(({ label, config }) => ({ label, config: trainConfig(config, { origin: `${folder}/${launchFiles.launch}` }) }));
  const { runs, keys } = await listRuns(wanted, { dataDir });
  const sent = new Set(open.map(({ key }) => key));
  return { runs: runs.filter(({ key }) => sent.has(key)), changed: open.filter(({ key }, i) => keys[i] !== key) };
}
