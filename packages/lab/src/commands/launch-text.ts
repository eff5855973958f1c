import path from 'node:path';
import { launchFiles, type SlurmSettings, type Submission } from '../launch/index.js';

export interface LaunchShown {
  readonly title: string;
  /** Runs that are wanted. */
  readonly total: number;
  readonly root: string;
  readonly settings: Pick<SlurmSettings, 'runsPerTask' | 'maxParallel'>;
  /** File of the report, where there are results. */
  readonly report: string | undefined;
  /** What writes a table's report later; a sweep's comes with the same command. */
  readonly reportCommand: string | undefined;
  /** Runs that could not be made when they were last tried. */
  readonly failed: readonly { readonly label: string; readonly why: string }[];
  readonly quiet: boolean;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const row = (name: string, text: string): string => `  ${name.padEnd(8)}${text}`;

/** What was sent, and what to watch. */
export function launchLines(submission: Submission, shown: LaunchShown): string[] {
  const { jobs, done, inHand, sent, refused } = submission;
  const folder = submission.folder ?? inHand.folder;
  const ids = jobs.map(({ id }) => id).join();
  if (shown.quiet) return [ids, ...(refused === undefined ? [] : [`sbatch refused the rest: ${refused}`])].filter(Boolean);
  const parts = [`${done} done`, ...(inHand.runs > 0 ? [`${inHand.runs} queued or running already`] : []), `${sent} sent`];
  const unsent = shown.total - done - inHand.runs - sent;
  const lines = [`${shown.title}: ${count(shown.total, 'run')}: ${[...parts, ...(unsent > 0 ? [`${unsent} not sent`] : [])].join(', ')}`];
  lines.push(...agoLines(submission, shown));
  const { runsPerTask, maxParallel } = shown.settings;
  const size = runsPerTask > 1 ? ` of up to ${count(runsPerTask, 'run')}` : '';
  for (const { id, tasks } of jobs.length > 4 ? [] : jobs) lines.push(row('Job', `${id}: ${count(tasks, 'task')}${size}`));
  if (jobs.length > 4)
    lines.push(
      row(
        'Jobs',
        `${jobs.length}: ${count(
          jobs.reduce((sum, { tasks }) => sum + tasks, 0),
          'task',
        )}${size}`,
      ),
    );
  if (jobs.length > 0 && maxParallel !== null) lines.push(row('', `at most ${maxParallel} at once`));
  const watched = ids || jobsOf(inHand.tasks).join();
  lines.push(row('Queue', `squeue --jobs=${watched}`), row('Runs', `npx initlab runs ${shown.root}`));
  if (folder !== undefined) lines.push(row('Logs', path.relative('', path.join(folder, launchFiles.logs))));
  if (shown.reportCommand !== undefined) lines.push(row('Report', shown.reportCommand));
  if (shown.report !== undefined)
    lines.push(row(shown.reportCommand === undefined ? 'Report' : '', `${path.relative('', shown.report)}, of what is there`));
  lines.push(row('Stop', `scancel ${watched.replaceAll(',', ' ')}`));
  if (refused !== undefined) lines.push(`sbatch refused the rest. It says: ${refused}`);
  const held = jobsOf(inHand.tasks.filter(({ reason }) => /held/i.test(reason)));
  if (held.length > 0) lines.push(`Some tasks are held: scontrol release ${held.join(' ')}, once their logs say why.`);
  lines.push('The same command sends what has no result and is not queued; when all is', 'there, it prints the table.');
  return lines;
}

const jobsOf = (tasks: Submission['inHand']['tasks']): string[] =>
  [...new Set(tasks.map(({ job }) => job))].sort((a, b) => Number(a) - Number(b));

/** What became of those that were sent before. */
function agoLines({ again }: Submission, { failed }: LaunchShown): string[] {
  const before = [...again.values()].reduce((sum, n) => sum + n, 0);
  if (before === 0 && failed.length === 0) return [];
  const ends = [...again].filter(([state]) => state !== '').map(([state, n]) => `${n} ${state}`);
  const lines =
    before > 0 ? [`  ${before} of them were sent before and came to no result${ends.length > 0 ? `: ${ends.join(', ')}` : ''}.`] : [];
  lines.push(...failed.slice(0, 3).map(({ label, why }) => `  ${label}: ${why}`));
  if (failed.length > 3) lines.push(`  … and ${failed.length - 3} more that failed`);
  return lines;
}
