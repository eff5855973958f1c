import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { styleColor, useDark } from './use-dark.js';

export interface LineChartProps {
  readonly title: string;
  /** What lies along the axis. */
  readonly along: string;
  readonly xs: readonly number[];
  /** Of A and of B; null where there is none. */
  readonly ys: readonly [readonly (number | null)[], readonly (number | null)[]];
  /** On a logarithmic axis a value of 0 stands at its foot, which says so. */
  readonly logarithmic?: boolean;
  /** A dot at each value, of few. */
  readonly dots?: boolean;
  /** Smallest and largest value of the axis, where they are given. */
  readonly range?: readonly [number, number];
}

const height = 165;
/** Of steps and of layers: 1, 2, 5, 10, 20, … */
const wholeIncrements = Array.from({ length: 7 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** Values of A and B as lines. */
export function LineChart({ title, along, xs, ys, logarithmic = false, dots = false, range }: LineChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>();
  const foot = useRef(0);
  const dark = useDark();
  const shown = logarithmic ? onFoot(ys) : { foot: 0, ys };
  foot.current = shown.foot;
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const value = (_: UPlot, y: number | null): string => (y === null ? '--' : read(y, foot.current));
    // uPlot's own choice is dots for few values: a single one between gaps has no line.
    const points = { size: 5, ...(dots ? { show: true } : {}) };
    const axis = { stroke: styleColor('--ink'), grid: { stroke: styleColor('--line'), width: 1 }, ticks: { stroke: styleColor('--line') } };
    const made = new UPlot(
      {
        width: element.clientWidth,
        height,
        scales: {
          // Without values uPlot would keep the axis of those that are gone.
          x: { time: false, range: (_, least, largest) => [least ?? 0, largest ?? 10] },
          y: logarithmic ? { distr: 3, range: (_, least, largest) => wholeDecades(least, largest) } : range ? { range: [...range] } : {},
        },
        axes: [
          { ...axis, label: along, labelSize: 18, labelFont: '13px system-ui', size: 30, incrs: wholeIncrements },
          {
            ...axis,
            size: 62,
            ...(logarithmic
              ? {
                  splits: (_: UPlot, __: number, least: number, largest: number) => decades(least, largest),
                  // uPlot's own leaves out what it finds too many.
                  filter: (_: UPlot, splits: number[]) => splits,
                  values: (_: UPlot, splits: number[]) => splits.map((value) => tick(value, foot.current)),
                }
              : {}),
          },
        ],
        series: [
          { label: along },
          { label: 'A', stroke: styleColor('--a'), width: 2, points, value },
          { label: 'B', stroke: styleColor('--b'), width: 2, dash: [6, 4], points, value },
        ],
        legend: { live: true },
        cursor: { drag: { x: false, y: false } },
      },
      [[], [], []],
      element,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [dark, logarithmic, dots, along]);
  useEffect(() => {
    plot.current?.setData([[...xs], [...shown.ys[0]], [...shown.ys[1]]]);
  });
  return (
    <figure class="card" aria-label={title}>
      <figcaption>{title}</figcaption>
      <div ref={place} />
    </figure>
  );
}

type Lines = LineChartProps['ys'];

/** Zeros put below the smallest value, since a logarithm has no place for them. */
function onFoot(ys: Lines): { foot: number; ys: Lines } {
  const positive = ys.flat().filter((y): y is number => y !== null && y > 0 && Number.isFinite(y));
  if (!ys.some((line) => line.includes(0))) return { foot: 0, ys };
  const foot = 10 ** (Math.floor(Math.log10(positive.length > 0 ? Math.min(...positive) : 1)) - 1);
  const lift = (line: Lines[number]): (number | null)[] => line.map((y) => (y === 0 ? foot : y));
  return { foot, ys: [lift(ys[0]), lift(ys[1])] };
}

const wholeDecades = (least: number | null, largest: number | null): [number, number] => {
  const [low, high] = [Math.floor(Math.log10(least ?? 0.1)), Math.ceil(Math.log10(largest ?? 10))];
  return [10 ** low, 10 ** Math.max(high, low + 1)];
};

/** Powers of ten, six of them at most. */
function decades(least: number, largest: number): number[] {
  const [low, high] = [Math.round(Math.log10(least)), Math.round(Math.log10(largest))];
  const step = Math.ceil((high - low) / 5);
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => 10 ** (low + i * step));
}

const isFoot = (value: number, foot: number): boolean => foot > 0 && Math.abs(value / foot - 1) < 1e-6;

/** A value under the cursor, short enough for its place. */
function read(value: number, foot: number): string {
  if (isFoot(value, foot)) return '0';
  const power = Math.log10(Math.abs(value));
  return value === 0 || (power > -4 && power < 5) ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** A power of ten; 0 for the foot. */
function tick(value: number, foot: number): string {
  const power = Math.round(Math.log10(value));
  if (isFoot(value, foot)) return '0';
  return Math.abs(power) < 4 ? String(Number(value.toPrecision(3))) : `1e${power}`;
}
