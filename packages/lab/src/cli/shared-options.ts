import { datasetNames } from '@initlab/data';
import { type Command, Option } from 'commander';
import { whole } from './cli-arguments.js';

/** What a net is and learns from, as `train` and `hessian` take it. */
export const addNetOptions = (command: Command): Command =>
  command
    .option('--arch <name>', 'a model of `initlab models` (default: resnet56)')
    .addOption(new Option('--dataset <name>', '(default: cifar100)').choices(datasetNames))
    .option('--init <name|file>', 'one of `initlab inits`, or your own file (default: kaiming)')
    .option('--norm <name|file>', 'one of `initlab norms`, or your own file (default: the model’s own, which is batch for most)');

/** Where one dataset comes from. */
export const addDataOptions = (command: Command): Command =>
  command.option('--data-dir <folder>', 'where the dataset lies').option('--download', 'fetch the dataset when it is not found or damaged');

/** Folder of the runs of tables and sweeps. */
export const rootOption = (): Option => new Option('--root <folder>', 'folder of all runs (default: runs)');

/** How the runs of a table or a sweep are made, and what is told of them. */
export const addMakingOptions = (command: Command): Command =>
  command
    .option('--probe <n>', 'look inside the nets every n steps; such runs are others than those without', whole)
    .option('--jobs <n>', 'trainings side by side on the device (default: 1)', whole)
    .option('--tensorboard', 'write the metrics of each run for TensorBoard, too; a run that goes on keeps doing so')
    .option('--data-dir <folder>', 'where the dataset lies')
    .option('--download', 'fetch datasets that are not found')
    .addOption(rootOption())
    .option('-q, --quiet', 'only results and what goes wrong')
    .option('--json', 'print the results as one line of JSON');
