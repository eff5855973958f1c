import type { TopLevelSpec } from 'vega-lite';
import { type ChartTheme, chartConfig } from './chart-theme.js';

/** What `renderChart` takes besides the chart. */
export interface RenderChartOptions {
  /** Default `file`: fixed colours on white, for a picture on its own. */
  readonly theme?: ChartTheme;
  /** Put before the ids within the picture, which must differ between pictures of one page. Default none. */
  readonly idPrefix?: string;
}

/** Draws a Vega-Lite chart as SVG text, without a browser. */
export async function renderChart(spec: TopLevelSpec, { theme = 'file', idPrefix = '' }: RenderChartOptions = {}): Promise<string> {
  // Loaded here, since they take a third of a second and most commands draw nothing.
  const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
  // Both take a logger; their warnings are about charts made by hand.
  const logger = vega.logger(vega.Error);
  const { spec: compiled } = compile({ ...spec, config: chartConfig(theme) } as TopLevelSpec, { logger });
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logger });
  try {
    const svg = await view.toSVG();
    return idPrefix
      ? svg
          .replaceAll(/\bid="/g, `id="${idPrefix}`)
          .replaceAll('url(#', `url(#${idPrefix}`)
          .replaceAll('href="#', `href="#${idPrefix}`)
      : svg;
  } finally {
    view.finalize();
  }
}
