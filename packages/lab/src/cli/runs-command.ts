import type { Command } from 'commander';
import { collect } from '../cli-arguments.js';
import { type RunsOptions, runsCommand } from '../commands/runs.js';
import { run } from './run-command.js';

/** `initlab runs`. */
export function addRunsCommand(program: Command): void {
  program
    .command('runs')
    .description('list and compare the runs of a folder: those of train, of tables and of sweeps')
    .argument('[folder]', 'where they lie (default: runs)')
    .option('--where <condition>', 'only those: arch=resnet56, best>60, state!=complete; may be given several times', collect)
    .option('--sort <key>', 'by a setting or a column, as in best; -best: the largest first (default: run)')
    .option('--csv', 'every column and every setting, as CSV')
    .option('--verify', 'check every seal and name what was altered; then the exit status is 1')
    .option('--json', 'as a line of JSON')
    .action((folder: string | undefined, options: RunsOptions) => run(() => runsCommand(folder, options)));
}
