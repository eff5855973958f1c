import { type Command, InvalidArgumentError } from 'commander';
import { type RunsOptions, runsCommand } from '../commands/runs.js';
import { uiCommand } from '../commands/ui.js';
import { collect } from './cli-arguments.js';
import { run } from './run-command.js';

const portNumber = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('must be a whole number from 0 to 65535');
  return value;
};

/** `initlab runs` and `initlab ui`. */
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
  program
    .command('ui')
    .description('the runs of a folder as a page on this machine, live while they train; it only reads')
    .argument('[folder]', 'where they lie (default: runs)')
    .option('--port <n>', 'port on 127.0.0.1; 0 takes one that is free (default: 7410)', portNumber)
    .action((folder: string | undefined, options: { port?: number }) => run(() => uiCommand(folder, options)));
}
