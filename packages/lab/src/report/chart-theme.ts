/** Colours of charts: `page` takes them from the report's style sheet, so they follow light and dark; `file` for pictures on their own. */
export type ChartTheme = 'page' | 'file';

/**
 * Told apart under normal vision, protanopia, deuteranopia and tritanopia, three to one or more against the page: they differ in lightness
 * as well as in hue, and five are as many as then fit. The same order in light and dark.
 */
export const seriesColors = {
  light: ['#1f5fd6', '#e66100', '#1c4427', '#cc79a7', '#40084f'],
  dark: ['#6f9fff', '#fa6450', '#62f0c4', '#b0508c', '#fcf492'],
} as const;

/** How many series have colours of their own. */
export const ownColors = seriesColors.light.length;

/** Colour of the n-th series; more series than colours are told apart by `seriesDash`. */
export function seriesColor(index: number, theme: ChartTheme): string {
  const at = index % ownColors;
  return theme === 'page' ? `var(--series-${at})` : (seriesColors.light[at] as string);
}

const dashes = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
  [12, 3],
  [12, 3, 2, 3],
];

/** Pixels of line and gap of the n-th series: whole at first, where the colours begin again dashed, dotted and so on. */
export const seriesDash = (index: number): number[] => dashes[Math.floor(index / ownColors) % dashes.length] as number[];

/** The colours as variables of a style sheet. */
export const seriesVariables = (mode: keyof typeof seriesColors): string =>
  seriesColors[mode].map((color, i) => `--series-${i}: ${color};`).join(' ');

/** Colour of what was published, beside our own. */
export const publishedColor = (theme: ChartTheme): string => (theme === 'page' ? 'var(--published)' : '#a8a29e');

/** Vega-Lite configuration that leaves the background and the text colour to the page. */
export function chartConfig(theme: ChartTheme): Record<string, unknown> {
  const text = theme === 'page' ? 'currentColor' : '#292524';
  const font = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  const labels = {
    labelFont: font,
    titleFont: font,
    labelColor: text,
    titleColor: text,
    titleFontWeight: 500,
    labelFontSize: 11,
    titleFontSize: 12,
  };
  return {
    background: theme === 'page' ? null : '#ffffff',
    font,
    view: { stroke: null },
    axis: { ...labels, domainColor: text, domainOpacity: 0.35, tickColor: text, tickOpacity: 0.35, gridColor: text, gridOpacity: 0.12 },
    legend: { ...labels, symbolStrokeWidth: 3, orient: 'top', direction: 'horizontal', columns: 6, title: null },
    text: { font, color: text },
    title: {
      font,
      color: text,
      anchor: 'start',
      fontWeight: 600,
      fontSize: 13,
      offset: 12,
      subtitleFont: font,
      subtitleColor: text,
      subtitleFontSize: 11,
      subtitlePadding: 4,
    },
  };
}
