import { type Command, Option } from 'commander';
import { collect, whole } from './cli-arguments.js';

/** Options of commands whose runs a cluster may make. */
export function addLaunchOptions(command: Command): Command {
  return command
    .optionsGroup('On a cluster:')
    .addOption(new Option('--launcher <name>', 'slurm: send what is missing as a job array and come back at once').choices(['slurm']))
    .option('--slurm <file>', 'JSON file of what a job is asked for; options of the command line come first')
    .option('--partition <name>', 'of the cluster')
    .option('--account <name>', 'that the job’s time is charged to')
    .option('--time <limit>', 'of a task, as Slurm writes it: 90 (minutes), 4:00:00, 2-12')
    .option('--gres <list>', 'what a task needs: gpu:1')
    .option('--gpus <n>', 'the same where a cluster wants --gpus')
    .option('--sbatch <option>', 'a further option of sbatch, as in --sbatch=--mem=16G; may be given several times', collect)
    .option('--setup <line>', 'shell before a task begins, as in "module load nodejs"; may be given several times', collect)
    .option('--runs-per-task <n>', 'runs that a task makes one after another (default: 1)', whole)
    .option('--max-parallel <n>', 'tasks that may run at once (default: as many as there is room for)', whole)
    .optionsGroup('Runs:');
}
