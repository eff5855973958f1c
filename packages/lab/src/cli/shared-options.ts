import { type Command, Option } from 'commander';
import { whole } from './cli-arguments.js';
import { headings, settingOptions } from './setting-options.js';

/** What a net is and learns from, as `hessian` takes it. */
export const addNetOptions = (command: Command): Command => {
  const { arch, dataset, init, norm } = settingOptions;
  for (const option of [arch, dataset, init, norm]) command.addOption(option);
  return command;
};

/** Where datasets come from. */
export const addDataOptions = (command: Command): Command =>
  command
    .addOption(new Option('--data-dir <folder>', 'where the dataset lies').helpGroup(headings.data))
    .addOption(new Option('--download', 'fetch what is not found or damaged').helpGroup(headings.data));

/** Folder of the runs of tables and sweeps. */
export const rootOption = (): Option => new Option('--root <folder>', 'folder of all runs (default: runs)');

/** How the runs of a table or a sweep are made, and what is told of them. */
export const addMakingOptions = (command: Command): Command =>
  addDataOptions(command)
    .optionsGroup('Runs:')
    .option('--probe <n>', 'look inside the nets every n steps; such runs are others than those without', whole)
    .option('--jobs <n>', 'trainings side by side on the device (default: 1)', whole)
    .option('--tensorboard', 'write the metrics of each run for TensorBoard, too; a run that goes on keeps doing so')
    .addOption(rootOption())
    .option('-q, --quiet', 'only results and what goes wrong')
    .option('--json', 'print the results as one line of JSON');
