import type { TopLevelSpec } from 'vega-lite';
import { type Metric, type ResultTable, summarize } from '../tables/result-table.js';
import { type ChartTheme, publishedColor, seriesColor } from './chart-theme.js';

/** A value of one training at the end of one epoch. */
export interface CurvePoint {
  /** Line it belongs to: the strategy. */
  readonly series: string;
  readonly seed?: number;
  /** From 1. */
  readonly epoch: number;
  readonly value: number;
}

/** How an axis of values is drawn, see `CurveSet.scale`. */
export type ValueScale = 'auto' | 'linear' | 'logarithmic' | 'share';

/** A picture of curves over epochs. */
export interface CurveSet {
  /** Heading and axis: `training loss`. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
  /**
   * `auto` (default): logarithmic where positive values lie factors of 20 apart; `linear`: always linear, as for accuracies;
   * `logarithmic`: always, where all are positive; `share`: linear from 0 to 10 or above, for shares in per cent.
   */
  readonly scale?: ValueScale;
}

/** Lines over epochs, a colour per series, a line per seed. */
export function curveSpec(curves: CurveSet, { theme }: { readonly theme: ChartTheme }): TopLevelSpec {
  const points = curves.points.filter(({ value }) => Number.isFinite(value));
  const series = [...new Set(curves.points.map((point) => point.series))];
  const epochs = new Set(points.map(({ epoch }) => epoch)).size;
  return {
    title: curves.label,
    width: 560,
    height: 300,
    data: { values: points.map((point) => ({ seed: 0, ...point })) },
    mark: { type: 'line', strokeWidth: 2, point: epochs <= 20 ? { size: 36, filled: true } : false, interpolate: 'linear' },
    encoding: {
      x: epochAxis,
      y: {
        field: 'value',
        ...valueAxis(
          points.map(({ value }) => value),
          curves,
        ),
      },
      color: { field: 'series', type: 'nominal', scale: { domain: series, range: series.map((_, i) => seriesColor(i, theme)) } },
      detail: { field: 'seed', type: 'nominal' },
    },
  };
}

/** Epochs from left to right. */
export const epochAxis = {
  field: 'epoch',
  type: 'quantitative',
  title: 'epoch',
  axis: { tickMinStep: 1, format: 'd', grid: false },
  scale: { nice: false, zero: false },
} as const;

/** An axis for values; logarithmic where positive ones lie factors of 20 apart, unless it is to be linear. */
export function valueAxis(values: readonly number[], { label, scale = 'auto' }: Pick<CurveSet, 'label' | 'scale'>) {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  const always = scale === 'logarithmic';
  const logarithmic = (always || scale === 'auto') && least > 0 && (always || most / least > 20);
  return {
    type: 'quantitative' as const,
    title: logarithmic ? `${label} (logarithmic)` : label,
    scale: logarithmic
      ? { type: 'log' as const, ...(always ? { domain: decadesAround(least, most), nice: false } : {}) }
      : scale === 'share'
        ? { domain: [0, Math.max(10, most)], nice: true }
        : { zero: false },
    axis: logarithmic ? { values: logTicks(least, most), format: logFormat(least, most) } : { tickCount: 6, format: '~g' },
  };
}

/** From 1, 2 or 5 times a power of ten to another, a decade at least: what hardly differs is to look so. */
function decadesAround(least: number, most: number): [number, number] {
  const steps = (value: number): number[] => [1, 2, 5, 10].map((step) => step * 10 ** Math.floor(Math.log10(value)));
  const below = (value: number): number => steps(value).findLast((step) => step <= value * (1 + 1e-9)) ?? value;
  const above = (value: number): number => steps(value).find((step) => step >= value * (1 - 1e-9)) ?? value;
  const missing = Math.sqrt(Math.max(1, (10 * least) / most));
  return [below(least / missing), above(most * missing)];
}

/** Few lines on a logarithmic axis: 1, 2, 5 times the powers of ten over two decades, the powers alone over more, some of them over many. */
function logTicks(least: number, most: number): number[] {
  const [first, last] = decades(least, most);
  const steps = last - first <= 2 ? [1, 2, 5] : [1];
  const every = Math.ceil((last - first) / manyDecades);
  const powers = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => first + every * i);
  return powers.flatMap((power) => steps.map((step) => step * 10 ** power));
}

const decades = (least: number, most: number): [number, number] => [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
const manyDecades = 10;
/** Beyond some decades digits alone are no longer read. */
const logFormat = (least: number, most: number): string => {
  const [first, last] = decades(least, most);
  return last - first > manyDecades ? '.0e' : '~g';
};

/** Bars of one metric, each row's measured mean (with its spread over seeds) and the published one side by side. */
export function barSpec(table: ResultTable, { metric, theme }: { readonly metric: Metric; readonly theme: ChartTheme }): TopLevelSpec {
  const kinds = ['measured', 'published'] as const;
  const values = table.rows.flatMap((row) =>
    kinds.flatMap((kind) => {
      const figure = kind === 'measured' ? summarize(row.measured[metric.key]) : row.published?.[metric.key];
      if (!figure || !Number.isFinite(figure.mean)) return [];
      const std = figure.std !== undefined && Number.isFinite(figure.std) ? figure.std : 0;
      return [
        {
          row: row.name,
          kind,
          mean: figure.mean,
          low: figure.mean - std,
          high: figure.mean + std,
          text: figure.mean.toFixed(metric.digits),
        },
      ];
    }),
  );
  const present = kinds.filter((kind) => values.some((value) => value.kind === kind));
  // As large as the curves beside it; few rows get no wider bars for that.
  const width = Math.max(560, 110 * table.rows.length);
  const step = width / Math.max(1, table.rows.length);
  const padding = Math.max(0.2, 1 - (70 * present.length) / step);
  const x = {
    ...({ field: 'row', type: 'nominal', sort: null, title: null } as const),
    axis: { labelAngle: 0, ticks: false, labelLimit: step },
    scale: { paddingInner: padding, paddingOuter: padding / 2 },
  };
  const xOffset = { field: 'kind', type: 'nominal', sort: [...present] } as const;
  const spread = values.filter(({ low, high }) => high > low);
  return {
    title: `${metric.label}, measured${present.includes('published') ? ` and published (${table.publishedLabel ?? 'reference'})` : ''}`,
    width,
    height: 300,
    data: { values },
    encoding: { x, xOffset },
    layer: [
      {
        mark: { type: 'bar', cornerRadiusEnd: 3 },
        encoding: {
          y: { field: 'mean', type: 'quantitative', title: metric.label, axis: { tickCount: 5 } },
          color: {
            field: 'kind',
            type: 'nominal',
            scale: {
              domain: [...present],
              range: present.map((kind) => (kind === 'measured' ? seriesColor(0, theme) : publishedColor(theme))),
            },
          },
        },
      },
      ...(spread.length > 0
        ? [
            {
              data: { values: spread },
              mark: { type: 'rule' as const, strokeWidth: 1.5, opacity: 0.7 },
              encoding: { y: { field: 'low', type: 'quantitative' as const }, y2: { field: 'high' } },
            },
          ]
        : []),
      {
        mark: { type: 'text', baseline: 'bottom', dy: -4, fontSize: 11 },
        encoding: { y: { field: 'high', type: 'quantitative' }, text: { field: 'text' } },
      },
    ],
  };
}
