import { type Command, InvalidArgumentError } from 'commander';
import { slurmTaskCommand } from '../commands/slurm-task.js';
import { run } from './run-command.js';

const taskNumber = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new InvalidArgumentError('a whole number from 0 is needed');
  return value;
};

/** `initlab slurm-task`, which only scripts of `--launcher slurm` call. */
export function addSlurmTaskCommand(program: Command): void {
  program
    .command('slurm-task', { hidden: true })
    .description('make the runs of one task of a submission; a job array calls it')
    .argument('<folder>', 'of the submission')
    .argument('<task>', 'its number', taskNumber)
    .action((folder: string, task: number) => run(() => slurmTaskCommand(folder, task)));
}
