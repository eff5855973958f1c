import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { ownColors, seriesDash } from '../src/report/chart-theme.js';

const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** A line of a chart. */
export interface ChartLine {
  readonly name: string;
  /** Number of its colour. */
  readonly color: number;
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

export interface ChartProps {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** Logarithmic where all values are positive and lie factors of 20 apart. */
  readonly logarithmic?: boolean;
  /** What lies below. Default `epoch`. */
  readonly below?: string;
}

const variable = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colorOf = (series: number): string => variable(`--series-${series % ownColors}`);

/** Values over epochs, or over what else lies `below`. */
export function Chart({ title, lines, logarithmic = false, below = 'epoch' }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const content = JSON.stringify(lines);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const xs = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
    const values = lines.flatMap(({ points }) => points.flatMap(({ y }) => (y === null ? [] : [y])));
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const ys = lines.map(({ points }) => {
      const at = new Map(points.map(({ x, y }) => [x, y]));
      return xs.map((x) => at.get(x) ?? null);
    });
    const axis = { stroke: variable('--ink'), grid: { stroke: variable('--line'), width: 1 }, ticks: { stroke: variable('--line') } };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: 260,
        scales: { x: { time: false }, y: logarithmic && least > 0 && most / least > 20 ? { distr: 3 } : {} },
        axes: [
          // Epochs and layers are counted: no tick stands between two.
          { ...axis, label: below, labelSize: 20, incrs: wholeSteps },
          { ...axis, size: 56 },
        ],
        series: [
          { label: below },
          ...lines.map(({ name, color }) => ({ label: name, stroke: colorOf(color), dash: seriesDash(color), width: 2, spanGaps: true })),
        ],
        legend: { live: true, markers: { dash: (_, i) => ((lines[i - 1]?.color ?? 0) < ownColors ? 'solid' : 'dashed') } },
      },
      [xs, ...ys] as UPlot.AlignedData,
      element,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 260 }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [content, logarithmic, below]);
  return (
    <figure class="card" aria-label={title}>
      <figcaption>{title}</figcaption>
      <div ref={place} />
    </figure>
  );
}
