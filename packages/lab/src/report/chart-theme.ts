/** Colours of charts: `page` takes them from the report's style sheet, so they follow light and dark; `file` for pictures on their own. */
export type ChartTheme = 'page' | 'file';

/** Told apart also by people who see red and green alike; the same order in light and dark. */
export const seriesColors = {
  light: ['#1f5fd6', '#e07000', '#0a8f5b', '#b5179e', '#0e9fc2', '#c81e2c', '#7a7f00', '#6d28d9', '#8a5a2b', '#57534e'],
  dark: ['#7aa7ff', '#ffa552', '#4fd1a5', '#f08be6', '#5fdcf5', '#ff8087', '#d3d760', '#b7a0ff', '#d8ab7c', '#c9c4be'],
} as const;

/** Colour of the n-th series, going round when there are more than ten. */
export function seriesColor(index: number, theme: ChartTheme): string {
  const at = index % seriesColors.light.length;
  return theme === 'page' ? `var(--series-${at})` : (seriesColors.light[at] as string);
}

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
