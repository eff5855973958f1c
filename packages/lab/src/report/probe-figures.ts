import type { Grid } from '../tables/index.js';
import type { ProbeRecord } from '../train/probe-record.js';
import type { BandSet } from './band-spec.js';
import { type BandInput, bands } from './bands.js';

/** A picture of what was seen inside nets, and the name of its file. */
export interface ProbeFigure extends BandSet {
  /** `gradient-norm`. */
  readonly name: string;
}

/** A line of these pictures: one look at each of several nets. */
export interface ProbeSeries {
  readonly name: string;
  /** One for each seed. */
  readonly looks: readonly ProbeRecord[];
}

type Layer = ProbeRecord['layers'][number];

/** JSON has no NaN and no infinities: they come as words, and are left out. */
const number = (value: unknown): number => (value === null ? Number.NaN : Number(value));

const quantities = [
  { name: 'deviation', label: 'deviation of activations', scale: 'logarithmic', of: (layer: Layer) => number(layer.deviation) },
  { name: 'mean', label: 'mean of activations', scale: 'auto', of: (layer: Layer) => number(layer.mean) },
  { name: 'gradient-norm', label: 'gradient norm', scale: 'logarithmic', of: (layer: Layer) => number(layer.gradientNorm) },
  { name: 'weight-norm', label: 'weight norm', scale: 'logarithmic', of: (layer: Layer) => number(layer.weightNorm) },
  { name: 'dead-units', label: 'dead units %', scale: 'share', of: (layer: Layer) => 100 * number(layer.dead) },
] as const;

/** What was seen by depth, a picture for each quantity; those without a point are left out. `moment` says when it was, `of` of what. */
export function probeFigures(
  series: readonly ProbeSeries[],
  { moment, of: subtitle }: { readonly moment?: string; readonly of?: string } = {},
): ProbeFigure[] {
  return quantities
    .map(({ name, label, scale, of }): ProbeFigure => {
      const valuesOf = (look: ProbeRecord): BandInput[] => look.layers.map((layer, depth) => ({ x: depth + 1, value: of(layer) }));
      const shown = (value: number): boolean => scale !== 'logarithmic' || value > 0;
      return {
        ...{ name, label, scale },
        title: moment === undefined ? label : `${label} ${moment}`,
        subtitle,
        series: series.map((one) => one.name),
        points: series.flatMap((one) =>
          bands(
            one.name,
            one.looks.flatMap(valuesOf).filter(({ value }) => shown(value)),
          ),
        ),
        axis: { label: 'layer, in order of depth', logarithmic: false },
      };
    })
    .filter(({ points }) => points.length > 0);
}

/** What a reader has to know of the pictures. */
export const aboutDepth =
  'Convolutions and linear layers in the order in which a batch goes through them. Activations are those behind the next ReLU (or the layer’s own, where none follows); a unit is dead that is 0 there for the whole batch. What is 0 has no point on a logarithmic axis.';

/** `at initialisation`, `after 50 steps`. */
export const momentOf = (step: number): string => (step === 0 ? 'at initialisation' : `after ${step} ${step === 1 ? 'step' : 'steps'}`);

/** Which layer is which, with what was seen of it at first and at last. */
export function layersGrid(probes: readonly ProbeRecord[]): Grid | undefined {
  const [first, last] = [probes[0], probes.at(-1)];
  if (!first || !last) return undefined;
  const moments = first === last ? [first] : [first, last];
  const show = (value: unknown): string =>
    value === null ? '—' : Number.isFinite(Number(value)) ? Number(value).toPrecision(3) : String(value);
  const columns = [
    ['activation ±', (layer: Layer) => `${show(layer.mean)} ± ${show(layer.deviation)}`],
    ['gradient', (layer: Layer) => show(layer.gradientNorm)],
    ['weight', (layer: Layer) => show(layer.weightNorm)],
    ['dead %', (layer: Layer) => (layer.dead === null ? '—' : (100 * number(layer.dead)).toFixed(1))],
  ] as const;
  return {
    title: 'Layers',
    headings: [
      { text: 'layer' },
      { text: 'depth', numeric: true },
      { text: 'seen behind' },
      ...moments.flatMap(({ step }) => columns.map(([label]) => ({ text: `${label}, ${momentOf(step)}`, numeric: true }))),
    ],
    rows: first.layers.map((layer, i) => [
      layer.name,
      String(i + 1),
      layer.activation ?? 'itself',
      ...moments.flatMap(({ layers }) => columns.map(([, of]) => (layers[i] ? of(layers[i]) : ''))),
    ]),
  };
}
