import { datasetNames } from '@initlab/data';
import { type Command, Option } from 'commander';
import { number, whole } from '../cli-arguments.js';
import { type HessianOptions, hessianCommand } from '../commands/hessian.js';
import { run } from './run-command.js';

/** `initlab hessian`. */
export function addHessianCommand(program: Command): void {
  program
    .command('hessian')
    .description('the largest eigenvalues of the training loss’s Hessian at initialisation, from exact products')
    .option('--arch <name>', 'a model of `initlab models` (default: resnet56)')
    .addOption(new Option('--dataset <name>', '(default: cifar100)').choices(datasetNames))
    .option('--init <name|file>', 'one of `initlab inits`, or your own file (default: kaiming)')
    .option('--norm <name|file>', 'one of `initlab norms`, or your own file (default: the model’s own)')
    .option('--seed <n>', '(default: 42)', number)
    .option('--batch <n>', 'images per product’s part; batch norm’s statistics are of these (default: 128)', whole)
    .option('--limit <n>', 'only the first n images', whole)
    .option('--top <k>', 'how many eigenvalues (default: 1)', whole)
    .option('--iterations <n>', 'products at most (default: 100; with --paper 40)', whole)
    .option('--paper', 'power iteration over a tenth of the augmented batches, as in arXiv:1906.02341')
    .option('--data-dir <folder>', 'where the dataset lies')
    .option('--download', 'fetch the dataset when it is not found or damaged')
    .option('--json', 'as a line of JSON')
    .action(({ batch, adapter: _, ...options }: Record<string, unknown>) =>
      run(() => hessianCommand({ ...options, ...(batch === undefined ? {} : { batchSize: batch }) } as HessianOptions)),
    );
}
