import { type Command, InvalidArgumentError } from 'commander';
import { type SweepCommandOptions, sweepCommand } from '../commands/sweep.js';
import { collect, seedList, whole } from './cli-arguments.js';
import { addLaunchOptions } from './launch-options.js';
import { run } from './run-command.js';
import { addMakingOptions } from './shared-options.js';

/** `5` is that many seeds from 0; `3,7` are those. */
function seedsOf(text: string): number[] {
  if (text.includes(',')) return seedList(text);
  const count = whole(text);
  if (count > 1000) throw new InvalidArgumentError('must be a number of seeds up to 1000, or seeds separated by commas');
  return Array.from({ length: count }, (_, i) => i);
}

/** `initlab sweep`. */
export function addSweepCommand(program: Command): void {
  const sweep = program
    .command('sweep')
    .description('train all combinations of settings with several seeds; what is there is not trained again')
    .option(
      '--grid <setting=values>',
      'a setting of `initlab train` and its values, as in lr=0.1,0.05; may be given several times',
      collect,
    )
    .option('--seeds <n|list>', 'a number of seeds, or seeds separated by commas (default: 1)', seedsOf)
    .option('--config <file>', 'JSON file of the settings that all runs share')
    .action((options: SweepCommandOptions) => run(() => sweepCommand(options)));
  addLaunchOptions(addMakingOptions(sweep));
}
