import type { TopLevelSpec } from 'vega-lite';
import { type ChartTheme, ownColors, publishedColor, seriesColor, seriesDash } from './chart-theme.js';

export interface NormRatioPoint {
  readonly net: string;
  /** `forward` or `backward`. */
  readonly pass: string;
  /** Initialisation and width. */
  readonly curve: string;
  readonly kind: 'measured' | 'reference';
  /** From 1. */
  readonly layer: number;
  readonly ratio: number;
}

/** Four pictures, net by pass: our ratios over depth in colour, the reference's dashed beneath, on a logarithmic axis. */
export function normRatioSpec(points: readonly NormRatioPoint[], { theme }: { readonly theme: ChartTheme }): TopLevelSpec {
  const curves = [...new Set(points.map(({ curve }) => curve))];
  const line = (kind: NormRatioPoint['kind']) => ({
    transform: [{ filter: `datum.kind === '${kind}'` }],
    mark: {
      type: 'line' as const,
      ...(kind === 'reference' ? { strokeDash: [5, 4], strokeWidth: 4, color: publishedColor(theme) } : { strokeWidth: 2 }),
    },
    encoding: {
      x: { field: 'layer', type: 'quantitative' as const, title: 'layer or block', axis: { grid: false } },
      y: { field: 'ratio', type: 'quantitative' as const, title: 'norm ratio', scale: { type: 'log' as const }, axis: { format: '~g' } },
      detail: { field: 'curve', type: 'nominal' as const },
      ...(kind === 'measured'
        ? {
            color: {
              field: 'curve',
              type: 'nominal' as const,
              title: 'initialisation, width',
              scale: { domain: curves, range: curves.map((_, i) => seriesColor(i, theme)) },
            },
            ...(curves.length > ownColors
              ? {
                  strokeDash: {
                    field: 'curve',
                    type: 'nominal' as const,
                    title: 'initialisation, width',
                    scale: { domain: curves, range: curves.map((_, i) => seriesDash(i)) },
                  },
                }
              : {}),
          }
        : {}),
    },
  });
  return {
    title: 'Norm ratios at initialisation (reference dashed)',
    data: { values: [...points] },
    facet: {
      row: { field: 'net', type: 'nominal', title: null },
      column: { field: 'pass', type: 'nominal', title: null, sort: ['forward', 'backward'] },
    },
    spec: { width: 340, height: 220, layer: [line('reference'), line('measured')] },
    resolve: { scale: { x: 'independent', y: 'independent' } },
  };
}
