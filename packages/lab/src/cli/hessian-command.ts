import type { Command } from 'commander';
import { type HessianOptions, hessianCommand } from '../commands/hessian.js';
import { number, whole } from './cli-arguments.js';
import { run } from './run-command.js';
import { addDataOptions, addNetOptions } from './shared-options.js';

/** `initlab hessian`. */
export function addHessianCommand(program: Command): void {
  const hessian = program
    .command('hessian')
    .description('the largest eigenvalues of the training loss’s Hessian at initialisation, from exact products');
  addNetOptions(hessian)
    .option('--seed <n>', '(default: 42)', number)
    .option('--batch <n>', 'images per product’s part; batch norm’s statistics are of these (default: 128)', whole)
    .option('--limit <n>', 'only the first n images', whole)
    .option('--top <k>', 'how many eigenvalues (default: 1)', whole)
    .option('--iterations <n>', 'products at most (default: 100; with --paper 40)', whole)
    .option('--paper', 'power iteration over a tenth of the augmented batches, as in arXiv:1906.02341');
  addDataOptions(hessian)
    .option('--json', 'as a line of JSON')
    .action(({ batch, adapter: _, ...options }: Record<string, unknown>) =>
      run(() => hessianCommand({ ...options, ...(batch === undefined ? {} : { batchSize: batch }) } as HessianOptions)),
    );
}
