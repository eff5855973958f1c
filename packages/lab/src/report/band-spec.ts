import type { TopLevelSpec } from 'vega-lite';
import { epochAxis, type ValueScale, valueAxis } from './chart-specs.js';
import { type ChartTheme, ownColors, seriesColor, seriesDash } from './chart-theme.js';

/** Seeds of one series at one place of the axis. */
export interface BandPoint {
  /** Line it belongs to: the row. */
  readonly series: string;
  readonly x: number;
  readonly mean: number;
  /** Of the least and of the greatest seed. */
  readonly low: number;
  readonly high: number;
}

/** A picture of mean values with bands from the least to the greatest seed. */
export interface BandSet {
  readonly title: string;
  /** A smaller line under it, where the title would be wider than the picture. */
  readonly subtitle?: string | undefined;
  /** Of the values: `test accuracy %`. */
  readonly label: string;
  readonly scale?: ValueScale;
  /** Lines in the order of their colours, those without a point included, so that colours agree between pictures. */
  readonly series: readonly string[];
  readonly points: readonly BandPoint[];
  /** Where trainings stopped being finite. Default none. */
  readonly diverged?: readonly { readonly series: string; readonly x: number; readonly mean: number }[];
  /** Of places; default epochs. */
  readonly axis?: { readonly label: string; readonly logarithmic: boolean };
}

const plotWidth = 560;
/** As many as fit beside each other above the plot; a wider legend would shrink the plot. */
const legendColumns = (series: readonly string[]): number =>
  Math.max(1, Math.floor(plotWidth / (40 + 6.2 * Math.max(...series.map((name) => name.length)))));

/** Lines of means, bands over seeds, crosses where a training diverged. */
export function bandSpec(set: BandSet, { theme }: { readonly theme: ChartTheme }): TopLevelSpec {
  const { title, subtitle, series, points, diverged = [], axis } = set;
  const places = [...new Set(points.map(({ x }) => x))];
  const color = {
    field: 'series',
    type: 'nominal',
    scale: { domain: series, range: series.map((_, i) => seriesColor(i, theme)) },
    legend: { columns: legendColumns(series), labelLimit: plotWidth / 2, symbolType: 'stroke', symbolOpacity: 1 },
  } as const;
  const strokeDash = {
    field: 'series',
    type: 'nominal',
    scale: { domain: series, range: series.map((_, i) => seriesDash(i)) },
    legend: color.legend,
  } as const;
  const x = axis
    ? ({
        field: 'x',
        type: 'quantitative',
        title: axis.label,
        axis: { values: places, grid: false },
        scale: { type: axis.logarithmic ? 'log' : 'linear', nice: false, zero: false },
      } as const)
    : ({ ...epochAxis, field: 'x' } as const);
  const y = {
    field: 'mean',
    ...valueAxis(
      points.flatMap(({ low, high }) => [low, high]),
      set,
    ),
  };
  const bands = points.some(({ low, high }) => high > low);
  return {
    title: subtitle === undefined ? title : { text: title, subtitle },
    width: plotWidth,
    height: 300,
    data: { values: points.map((point) => ({ ...point })) },
    encoding: { x, color },
    layer: [
      ...(bands
        ? [{ mark: { type: 'area' as const, opacity: 0.16 }, encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } } }]
        : []),
      {
        mark: { type: 'line', strokeWidth: 2, point: places.length <= 20 ? { size: 30, filled: true } : false },
        encoding: { y, ...(series.length > ownColors ? { strokeDash } : {}) },
      },
      ...(diverged.length > 0
        ? [
            {
              data: { values: diverged.map((point) => ({ ...point })) },
              mark: { type: 'point' as const, shape: 'M-1,-1L1,1M1,-1L-1,1', size: 90, strokeWidth: 2.5, filled: false },
              encoding: { y },
            },
          ]
        : []),
    ],
  };
}
