import { InitlabError } from '@initlab/core';
import { Argument, Command, Option } from 'commander';
import { names, number, precisions, seconds, whole } from './cli/cli-arguments.js';
import { addHessianCommand } from './cli/hessian-command.js';
import { run } from './cli/run-command.js';
import { addRunsCommand } from './cli/runs-command.js';
import { headings, settingOptions } from './cli/setting-options.js';
import { addDataOptions } from './cli/shared-options.js';
import { addSlurmTaskCommand } from './cli/slurm-task-command.js';
import { addSweepCommand } from './cli/sweep-command.js';
import { addTableCommands } from './cli/table-commands.js';
import { usageError } from './cli/usage-error.js';
import { benchCompareCommand, benchConv2dCommand, benchDispatchCommand, benchNormCommand, benchStepCommand } from './commands/bench.js';
import { doctor, renderDoctor } from './commands/doctor.js';
import { figureCommand } from './commands/figure.js';
import { listCommand, summaryCommand } from './commands/lists.js';
import { kernelsDumpCommand, type PlanOptions, planStepCommand } from './commands/plan.js';
import { selftestCommand } from './commands/selftest.js';
import { trainCommand } from './commands/train.js';
import { tuneCommand } from './commands/tune.js';
import { ownVersion } from './own-version.js';
import { plannedFor } from './plan/index.js';
import { newPlugin, type PluginKind } from './plugins/index.js';

const program = new Command('initlab')
  .description('A laboratory for weight initialisation and normalisation of deep CNNs, on WebGPU')
  .version(ownVersion())
  .addHelpText(
    'after',
    '\nINITLAB_ADAPTER=NAME chooses the GPU, as --adapter does; INITLAB_DEBUG=1 shows the stack of an error.\nExit status: 0 done; 1 failed, refused or diverged; 130 stopped by a signal with everything saved: the same command (train: --resume) goes on.',
  );

const train = program
  .command('train')
  .description('train one model; without options the recipe of init-design: ResNet-56, CIFAR-100, SGD, 200 epochs');
for (const option of Object.values(settingOptions)) train.addOption(option);
addDataOptions(train)
  .optionsGroup(headings.run)
  .option('--config <file>', 'JSON file of settings; options of the command line come first')
  .option('--out <folder>', 'folder of the run (default: a new one under runs/)')
  .option('--resume <folder>', 'go on with a run that was stopped, bit for bit; with more --epochs, in a new folder')
  .option('--take-lock', 'take the folder although another process seems to have it')
  .option('--tensorboard', 'write the metrics for TensorBoard, too; a run that goes on keeps doing so')
  .option('-q, --quiet', 'only the result and what goes wrong')
  .option('--json', 'print the result as one line of JSON')
  .action(({ batch, augment, adapter: _, ...options }: Record<string, unknown>) =>
    run(() =>
      trainCommand({
        ...options,
        ...(batch === undefined ? {} : { batchSize: batch as number }),
        // Commander gives `true` when --no-augment is absent; only the refusal is a setting.
        ...(augment === false ? { augment } : {}),
      }),
    ),
  );

addTableCommands(program);
addSweepCommand(program);
addSlurmTaskCommand(program);
addRunsCommand(program);
addHessianCommand(program);

const figure = program.command('figure').description('reproduce a figure of a paper');
figure
  .command('norm-ratios')
  .description('norms of activations and gradients over depth at initialisation (arXiv:1906.02341, Figure 1)')
  .option('--networks <n>', 'networks a curve', whole, 3)
  .option('--seed <n>', 'of weights and inputs', number, 0)
  .option('--filter <text>', 'only curves whose name contains this: mlp, width200')
  .option('--out <folder>', 'where the SVG goes', 'runs/norm-ratios')
  .option('--json', 'print the result as one line of JSON')
  .action((options) => run(() => figureCommand(options)));

program
  .command('selftest')
  .description('compare every op and model with PyTorch’s reference values on this adapter')
  .option('--ops <file>', 'a file of op cases (its .safetensors beside it)')
  .option('--models <file>', 'a file of model cases')
  .option('--filter <text>', 'only cases whose name contains this, or matches /this/')
  .option('--json', 'print the result as one line of JSON')
  .action((options) => run(() => selftestCommand(options)));

const plannedForOption = new Option(
  '--for <gpu>',
  'as it would be planned for an H100, or for a GPU with WebGPU’s default limits, without one',
)
  .choices(plannedFor)
  .default('here');
const bench = program.command('bench').description('time kernels and training steps on this adapter');
bench
  .command('step', { isDefault: true })
  .description('whole training steps: forward, backward, update')
  .option('--models <list>', 'models, separated by commas', names, ['simple-cnn', 'resnet20'])
  .option('--batch <n>', 'images per step (default: 64 for simple-cnn, else 8 on a CPU driver and 128 on a GPU)', whole)
  .option('--precision <list>', 'f32, mixed or f32,mixed', precisions, ['f32'])
  .option('--profile', 'also where the time of a step goes')
  .option('--plan', 'what a step would do, without running it: dispatches, bytes, flops, memory, a bound on its time')
  .addOption(plannedForOption)
  .option('--json', 'a line of JSON per row')
  .action(({ plan = false, ...options }: Parameters<typeof benchStepCommand>[0] & PlanOptions & { plan?: boolean }) =>
    run(() => {
      if (!plan && options.for !== undefined && options.for !== 'here')
        throw new InitlabError('--for goes with --plan: nothing runs on a GPU that is not here');
      return plan ? planStepCommand(options) : benchStepCommand(options);
    }),
  );
bench
  .command('conv2d')
  .description('forward, input gradient and weight gradient of ten convolutions')
  .option('--batch <n>', 'images (default: 8 on a CPU driver, 128 on a GPU)', whole)
  .option('--precision <list>', 'f32, mixed (f16 activations) or f32,mixed', precisions, ['f32'])
  .option('--json', 'a line of JSON per row')
  .action((options) => run(() => benchConv2dCommand(options)));
bench
  .command('norm')
  .description('every normalisation layer, forward alone and with gradients; also the bytes they move')
  .option('--batch <n>', 'images (default: 8 on a CPU driver, 128 on a GPU)', whole)
  .option('--json', 'a line of JSON per row')
  .action((options) => run(() => benchNormCommand(options)));

bench
  .command('dispatch')
  .description('what a dispatch, a wait and a readback cost')
  .option('--json', 'print the result as one line of JSON')
  .action((options) => run(() => benchDispatchCommand(options)));
bench
  .command('compare <before> <after>')
  .description('two files of results (lines of --json) side by side; fails when something became slower')
  .option('--tolerance <percent>', 'slower by more than this is a regression', number, 10)
  .option('--json', 'print the result as one line of JSON')
  .action((before: string, after: string, options) => run(() => benchCompareCommand([before, after], options)));

program
  .command('tune')
  .description('find the fastest kernels on this adapter for the models’ convolutions and matrix products')
  .option(
    '--models <list>',
    'models, separated by commas; conv2d: the convolutions of bench conv2d (default: simple-cnn,resnet20 on a CPU driver, all that is timed on a GPU)',
    names,
  )
  .option('--batch <n>', 'images per step (default: 64 for simple-cnn, else 8 on a CPU driver and 128 on a GPU)', whole)
  .option('--precision <list>', 'f32, mixed or f32,mixed (default: f32; on a GPU f32,mixed)', precisions)
  .option('--budget <seconds>', 'stop after this long, like 300 or 300s; the next run goes on', seconds, 300)
  .option('--again', 'measure anew what an earlier run measured')
  .option('--out <file>', 'write the table there (default: where the other commands look for it)')
  .option('--json', 'print the result as one line of JSON')
  .action((options) => run(() => tuneCommand(options)));

program
  .command('kernels')
  .description('the WGSL kernels')
  .command('dump')
  .description('write the kernels of the models’ training steps into a folder, a file each, and an index; nothing is run')
  .argument('<folder>', 'is made where it is missing')
  .option('--models <list>', 'models, separated by commas', names, ['resnet20'])
  .option('--batch <n>', 'images per step (default: 64 for simple-cnn, else 8 on a CPU driver and 128 on a GPU)', whole)
  .option('--precision <list>', 'f32, mixed or f32,mixed', precisions, ['f32'])
  .addOption(plannedForOption)
  .option('--variant <name>', 'take this kernel where it does a problem, as conv2d-forward-gemm-64x32x16-4x4-v4 (docs/kernels.md)')
  .option('--json', 'print the index as one line of JSON')
  .action((folder: string, options: PlanOptions) => run(() => kernelsDumpCommand(folder, options)));

program
  .command('models')
  .description('list the models of the zoo')
  .option('--summary <name>', 'the layers of one: shapes, parameters, multiply-adds')
  .option('--json', 'as a line of JSON')
  .action((options: { json?: boolean; summary?: string }) =>
    run(async () => (options.summary === undefined ? listCommand('models', options) : summaryCommand(options.summary, options))),
  );
for (const [kind, what] of [
  ['inits', 'the initialisations'],
  ['norms', 'the normalisation layers'],
] as const)
  program
    .command(kind)
    .description(`list ${what}`)
    .option('--json', 'as a line of JSON')
    .action((options: { json?: boolean }) => run(async () => listCommand(kind, options)));

program
  .command('new')
  .description('write a commented start of an initialisation or a norm of your own')
  .addArgument(new Argument('<kind>').choices(['init', 'norm']))
  .argument('<file>', 'TypeScript file to make')
  .action((kind: PluginKind, file: string) =>
    run(async () => {
      await newPlugin(kind, file);
      process.stdout.write(
        `${file} written. Try it: npx initlab train --arch resnet8 --dataset fashion-mnist-sample --epochs 2 --batch 32 --${kind} ${/^[./]/.test(file) ? '' : './'}${file}\n`,
      );
      return 0;
    }),
  );

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

/** What all commands share: a hint in place of the whole help, which would push the error out of sight, and the choice of the GPU. */
function complete(command: Command, path: string): void {
  command.showHelpAfterError(`See ${path} --help.`);
  command.configureOutput({ outputError: (error, write) => write(usageError(error, command)) });
  if (command.commands.length === 0)
    command.option('--adapter <name>', 'the GPU to use, by a part of its name; `initlab doctor` lists them');
  // Under the heading of the last, not one of its own.
  if (command.optionsGroup()) command.helpOption('-h, --help', 'display help for command');
  for (const child of command.commands) complete(child, `${path} ${child.name()}`);
}
complete(program, 'npx initlab');
program.hook('preAction', (_, command) => {
  const { adapter } = command.opts<{ adapter?: string }>();
  if (adapter !== undefined) process.env.INITLAB_ADAPTER = adapter;
});

// A reader that went away (`| head`), or a terminal that was closed, is no reason to stop: what a command is for lies in its files.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });

await program.parseAsync();
