import { type Command, Option } from 'commander';
import { type TableRunOptions, tableListCommand, tableReportCommand, tableRunCommand, tableShowCommand } from '../commands/table.js';
import { scales } from '../papers/index.js';
import { collect, names, seedList } from './cli-arguments.js';
import { addLaunchOptions } from './launch-options.js';
import { run } from './run-command.js';
import { addMakingOptions, rootOption } from './shared-options.js';

const scaleOption = (usual = 'full'): Option =>
  new Option(
    '--scale <scale>',
    `full: the paper’s; short: an hour or two on two cores; smoke: minutes, with small nets (default: ${usual})`,
  ).choices(scales);

/** `initlab table run | report | show | list`. */
export function addTableCommands(program: Command): void {
  const table = program
    .command('table')
    .description('reproduce a paper’s table: its column beside ours, however often the machine stops in between');
  const making = table
    .command('run', { isDefault: true })
    .description('make the runs that are missing, then the report')
    .argument('<id>', 'one of `initlab table list`')
    .addOption(scaleOption())
    .option('--seeds <list>', 'seeds, separated by commas (default: the paper’s at full scale, else its first)', seedList)
    .option('--only <rows>', 'some of its rows, separated by commas', names)
    .option('--columns <list>', 'some of its columns', names)
    .option('--parts <list>', 'some of its parts, where it has several', names)
    .option('--add <file>', 'a row of your own: a file with an initialisation or a norm; may be given several times', collect)
    .action((id: string, options: TableRunOptions) => run(() => tableRunCommand(id, options)));
  addLaunchOptions(addMakingOptions(making));
  table
    .command('report')
    .description('the report from what is there, without training')
    .argument('<id>', 'one of `initlab table list`')
    .addOption(scaleOption('what was run last'))
    .addOption(rootOption())
    .option('--json', 'print the results as one line of JSON')
    .action((id: string, options: Parameters<typeof tableReportCommand>[1]) => run(() => tableReportCommand(id, options)));
  table
    .command('show')
    .description('what a table trains and compares')
    .argument('<id>', 'one of `initlab table list`')
    .addOption(scaleOption())
    .option('--json', 'as a line of JSON')
    .action((id: string, options: Parameters<typeof tableShowCommand>[1]) => run(async () => tableShowCommand(id, options)));
  table
    .command('list')
    .description('the tables there are')
    .option('--json', 'as a line of JSON')
    .action((options: { json?: boolean }) => run(async () => tableListCommand(options)));
}
