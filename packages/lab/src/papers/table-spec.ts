import type { TrainSettings } from '../train/train-config.js';
import type { MetricName } from './metrics.js';

/** How much of the paper's work a table does. */
export const scales = ['smoke', 'short', 'full'] as const;
/** `full` is the paper's; `short` an hour or two on two cores; `smoke` minutes, with a small net of its own per column. */
export type Scale = (typeof scales)[number];

/** A published number: of one run, or the mean and sample deviation over seeds. */
export interface Published {
  readonly mean: number;
  readonly std?: number;
  readonly count: number;
  /** Value by seed, where they were published one by one. */
  readonly bySeed?: Readonly<Record<number, number>>;
}

/** A line of a part: what it sets, and what was published of it by column and metric. */
export interface RowSpec {
  readonly name: string;
  readonly settings: TrainSettings;
  readonly published?: Readonly<Record<string, Readonly<Partial<Record<MetricName, Published>>>>>;
  /** The net in place of the column's: `resnet56` becomes `fixup-resnet56`. */
  readonly arch?: (arch: string) => string;
  /** Columns it has no meaning in, with the reason: their cells are `—` and not run. */
  readonly excluded?: Readonly<Record<string, string>>;
  readonly note?: string;
}

/** A column: a net on a dataset, or a value on an axis. */
export interface ColumnSpec {
  readonly name: string;
  readonly label: string;
  readonly settings: TrainSettings;
  /** What stands for it at a smaller scale; a column without an entry is not part of that scale. */
  readonly at: Readonly<Partial<Record<Exclude<Scale, 'full'>, { readonly label: string; readonly settings: TrainSettings }>>>;
  /** Whose numbers stand beside ours in this column, where they are not the table's. */
  readonly publishedLabel?: string;
  /** The best entry known, of one seed. */
  readonly bestKnown?: number;
  /** Place on the axis, where the part is drawn as a figure. */
  readonly x?: number;
  /** Standard deviation of one run over seeds in the first metric, where it is known: it decides what agrees when seeds are few. */
  readonly spread?: number;
}

/** One table or figure of a paper. */
export interface PartSpec {
  readonly name: string;
  readonly title: string;
  /** Heading of the first column: `initialisation`. */
  readonly rowLabel: string;
  /** The row that others are compared with. */
  readonly baseline: string;
  readonly recipe: TrainSettings;
  /** What each scale changes of the recipe, and in words. */
  readonly at: Readonly<Record<Scale, { readonly label: string; readonly settings: TrainSettings; readonly seeds?: readonly number[] }>>;
  readonly rows: readonly RowSpec[];
  readonly columns: readonly ColumnSpec[];
  /** The first is compared; all are shown. */
  readonly metrics: readonly MetricName[];
  /** Drawn over `x`: the axis' name. */
  readonly axis?: { readonly label: string; readonly logarithmic: boolean };
}

/** A paper's table with its figures. */
export interface TableSpec {
  readonly id: string;
  readonly title: string;
  /** Paper or program, and its recipe in words. */
  readonly source: string;
  /** What the published numbers are. */
  readonly publishedLabel: string;
  /** The paper's. */
  readonly seeds: readonly number[];
  /** What a row of one's own sets, where rows can be added. */
  readonly adds?: 'init' | 'norm';
  readonly parts: readonly PartSpec[];
}

/** One published value. */
export const one = (mean: number): Published => ({ mean, count: 1 });
/** A published mean and deviation. */
export const meanOf = (count: number, mean: number, std: number): Published => ({ mean, std, count });

/** Values published one by one: their mean and sample deviation. */
export function perSeed(bySeed: Readonly<Record<number, number>>): Published {
  const values = Object.values(bySeed);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1));
  return { mean, ...(values.length > 1 ? { std } : {}), count: values.length, bySeed };
}
