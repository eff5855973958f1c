import { InitlabError } from '@initlab/core';
import { gridOf, planTable, type StoredTable, type SweepSpec, sweepTable } from '../papers/index.js';
import { listRuns } from '../sweep/index.js';
import { refuseIdleSettings } from '../train/idle-settings.js';
import type { SettingsOrigin } from '../train/settings-origin.js';
import { type TrainSettings, trainConfig } from '../train/train-config.js';
import { type LaunchOptions, launchAndReport, launchSettings } from './launch.js';
import { settingsFile } from './settings-file.js';
import { makeAndReport } from './table.js';
import { runsFolder } from './table-report.js';

export interface SweepCommandOptions extends LaunchOptions {
  /** `lr=0.1,0.05`: a setting and its values. */
  readonly grid?: readonly string[];
  readonly seeds?: readonly number[];
  /** A JSON file of the settings that all runs share. */
  readonly config?: string;
  readonly dataDir?: string;
  readonly download?: boolean;
  readonly root?: string;
  /** Steps from one look inside the nets to the next; default as the settings say. */
  readonly probe?: number;
  readonly jobs?: number;
  /** Also write each run's metrics as TensorBoard reads them. */
  readonly tensorboard?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `initlab sweep`: all combinations of the grid with every seed, and the same report as a table's. Returns the exit status. */
export async function sweepCommand({
  grid = [],
  seeds = [0],
  config: file,
  dataDir,
  download = false,
  root = runsFolder,
  probe,
  jobs,
  tensorboard,
  quiet = false,
  json = false,
  ...launch
}: SweepCommandOptions): Promise<number> {
  const slurm = await launchSettings(launch);
  const settings: TrainSettings = { ...(file === undefined ? {} : await settingsFile(file)), ...(probe === undefined ? {} : { probe }) };
  const axes = grid.map(gridOf);
  const twice = axes.find(({ setting }, i) => axes.findIndex((other) => other.setting === setting) < i);
  if (twice) throw new InitlabError(`--grid ${twice.setting}: is given twice; put all its values into one`);
  const from: SettingsOrigin = { origin: file ?? 'sweep', grid: axes.map(({ setting }) => setting) };
  // Each by itself, before they are multiplied out: of a value that no run can have, the option that holds it is told.
  for (const { setting, values } of axes) for (const value of values) trainConfig({ ...settings, [setting]: value }, from);
  const sweep: SweepSpec = { settings, grid: Object.fromEntries(axes.map(({ setting, values }) => [setting, values])), seeds };
  const table = sweepTable(sweep);
  const [planned] = planTable(table, { scale: 'full', seeds });
  const places = (planned?.cells ?? []).flatMap(({ row, runs }) => runs.map((run) => ({ ...run, row: row.name })));
  for (const { config } of places) refuseIdleSettings(config, from);
  const wanted = places.map(({ row, seed, config }) => ({ label: `${row}, seed ${seed}`, config }));
  const { runs, keys } = await listRuns(wanted, { dataDir, download });
  const stored: StoredTable = {
    table: 'sweep',
    sweep: {
      settings,
      grid: Object.fromEntries(Object.entries(sweep.grid).map(([name, values]) => [name, [...values]])),
      seeds: [...seeds],
    },
    scale: 'full',
    seeds: [...seeds],
    added: [],
    runs: places.map(({ row, seed }, i) => ({ part: 'results', row, column: 'sweep', seed, key: keys[i] as string })),
  };
  const making = { root, json, quiet, title: 'sweep', jobs, tensorboard };
  return slurm ? launchAndReport(stored, runs, { ...making, settings: slurm, dataDir }) : makeAndReport(stored, runs, making);
}
