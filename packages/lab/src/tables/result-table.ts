/** A number published or measured: a mean, and where several seeds were run their standard deviation. */
export interface Figure {
  readonly mean: number;
  /** Sample standard deviation (n − 1) over the seeds. */
  readonly std?: number;
  /** Number of seeds. */
  readonly seeds?: number;
}

/** What a row is measured by. */
export interface Metric {
  /** Key in rows, as in `result.json`. */
  readonly key: string;
  /** Column heading: `accuracy %`. */
  readonly label: string;
  /** Digits after the point. */
  readonly digits: number;
  readonly better: 'higher' | 'lower';
}

/** One line of a results table. */
export interface TableRow {
  /** Strategy, norm or model. */
  readonly name: string;
  /** Values per metric, one per seed; absent metrics were not measured (yet). */
  readonly measured: Readonly<Record<string, readonly number[]>>;
  /** Published values per metric. */
  readonly published?: Readonly<Record<string, Figure>>;
  /** Why a row is special: `diverged in epoch 3`. */
  readonly note?: string;
}

/** A table of an experiment: our rows beside the published ones. */
export interface ResultTable {
  readonly title: string;
  /** Heading of the first column: `strategy`. */
  readonly rowLabel: string;
  readonly metrics: readonly Metric[];
  readonly rows: readonly TableRow[];
  /** What the published column is: `published, CIFAR-10`. */
  readonly publishedLabel?: string;
  /**
   * Whether measured and published rows come from the same data and recipe, so that deviations mean something.
   * A demo on 2,000 images beside a published table on 50,000 is not comparable; deviations are left out then.
   */
  readonly comparable: boolean;
  /** Sentences under the table. */
  readonly notes?: readonly string[];
}

/** Mean and sample standard deviation over seeds; undefined without values. Not a number is a value: the run diverged. */
export function summarize(values: readonly number[] | undefined): Figure | undefined {
  if (!values || values.length === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return { mean, seeds: 1 };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, std: Math.sqrt(variance), seeds: values.length };
}

/** `91.92`, `91.74 ± 0.26`, `diverged`, or `–` when there is nothing. */
export function showFigure(figure: Figure | undefined, digits: number): string {
  if (!figure) return '–';
  if (!Number.isFinite(figure.mean)) return 'diverged';
  const std = figure.std === undefined || !Number.isFinite(figure.std) ? '' : ` ± ${figure.std.toFixed(digits)}`;
  return figure.mean.toFixed(digits) + std;
}

/** `+0.18`, `−1.20`: measured minus published; empty when either is missing. */
export function showDeviation(measured: Figure | undefined, published: Figure | undefined, digits: number): string {
  if (!measured || !published || !Number.isFinite(measured.mean) || !Number.isFinite(published.mean)) return '';
  const difference = (measured.mean - published.mean).toFixed(digits);
  if (Number(difference) === 0) return (0).toFixed(digits);
  return difference.startsWith('-') ? `−${difference.slice(1)}` : `+${difference}`;
}
