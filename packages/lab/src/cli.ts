import { Command, InvalidArgumentError, Option } from 'commander';
import { datasetNames } from '@initlab/data';
import { InitlabError } from '@initlab/core';
import { benchConv2dCommand, benchStepCommand } from './commands/bench.js';
import { doctor, renderDoctor } from './commands/doctor.js';
import { selftestCommand } from './commands/selftest.js';
import { tableCommand } from './commands/table.js';

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 is needed');
  return value;
};
const seedList = (text: string): number[] => {
  const values = text.split(',').map(Number);
  if (values.some((v) => !Number.isInteger(v) || v < 0)) throw new InvalidArgumentError('whole numbers from 0, separated by commas');
  return values;
};
const names = (text: string): string[] => text.split(',').map((s) => s.trim());

/** Runs a command; its result is the exit status. Errors made for people are shown without a stack. */
async function run(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const expected =
      error instanceof InitlabError || (error instanceof Error && error.name === 'DataError') || process.env.INITLAB_DEBUG === undefined;
    process.stderr.write(
      `initlab: ${expected && error instanceof Error ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exitCode = 1;
  }
  // Dawn keeps threads; with everything written there is nothing to wait for.
  process.exit();
}

const program = new Command('initlab')
  .description('A laboratory for weight initialisation and normalisation of deep CNNs, on WebGPU')
  .showHelpAfterError()
  .addHelpText('after', '\nINITLAB_DEBUG=1 shows the stack of an error.');

const table = program.command('table').description('reproduce a table of a paper');
table
  .command('cnn-init')
  .description('five initialisations of a vanilla CNN (TorchLeet)')
  .addOption(new Option('--dataset <name>', 'default: the shipped sample for demo, fashion-mnist for full').choices(datasetNames))
  .option('--data-dir <folder>', 'where the dataset lies')
  .option('--download', 'fetch the dataset when it is not found')
  .addOption(
    new Option('--scale <scale>', 'demo: 2,000 images, 3 epochs; full: everything, 8 epochs').choices(['demo', 'full']).default('full'),
  )
  .option('--seeds <list>', 'seeds, separated by commas', seedList, [0])
  .option('--only <strategies>', 'some of default, zero, random, xavier, kaiming', names)
  .option('--epochs <n>', 'epochs in place of the scale’s', whole)
  .option('--batch <n>', 'images per step', whole, 64)
  .option('--max-steps <n>', 'stop each training after this many steps', whole)
  .option('--out <folder>', 'folder of the run (default: a new one under runs/)')
  .option('--resume <folder>', 'go on with a run that was stopped; same options as then')
  .option('--json', 'print the result as one line of JSON')
  .action((options) => run(() => tableCommand(options)));

program
  .command('selftest')
  .description('compare every op and model with PyTorch’s reference values on this adapter')
  .option('--ops <file>', 'a file of op cases (its .safetensors beside it)')
  .option('--models <file>', 'a file of model cases')
  .option('--filter <text>', 'only cases whose name contains this, or matches /this/')
  .option('--json', 'print the result as one line of JSON')
  .action((options) => run(() => selftestCommand(options)));

const bench = program.command('bench').description('time kernels and training steps on this adapter');
bench
  .command('step', { isDefault: true })
  .description('whole training steps: forward, backward, update')
  .option('--models <list>', 'models, separated by commas', names, ['simple-cnn', 'resnet20'])
  .option('--batch <n>', 'images per step (default: 64 for simple-cnn, else 8 on a CPU driver and 128 on a GPU)', whole)
  .option('--profile', 'also where the time of a step goes')
  .option('--json', 'a line of JSON per row')
  .action((options) => run(() => benchStepCommand(options)));
bench
  .command('conv2d')
  .description('forward, input gradient and weight gradient of ten convolutions')
  .option('--batch <n>', 'images (default: 8 on a CPU driver, 128 on a GPU)', whole)
  .option('--json', 'a line of JSON per row')
  .action((options) => run(() => benchConv2dCommand(options)));

program
  .command('doctor')
  .description('what this machine has: adapter, driver, features, limits, advice')
  .option('--json', 'print the report as JSON')
  .action((options: { json?: boolean }) =>
    run(async () => {
      const report = await doctor();
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : renderDoctor(report));
      return report.error ? 1 : 0;
    }),
  );

await program.parseAsync();
