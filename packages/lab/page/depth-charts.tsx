import { useState } from 'preact/hooks';
import type { ProbedLayer, RunProbes } from '../src/ui/api.js';
import { Chart } from './chart.js';

/** A chosen run, as its curves show it. */
export interface ShownRun {
  readonly name: string;
  readonly color: number;
  readonly probes: RunProbes['probes'];
}

/** As the report's. */
const quantities: readonly { title: string; logarithmic?: boolean; of: (layer: ProbedLayer) => number | null }[] = [
  { title: 'deviation of activations', logarithmic: true, of: (layer) => layer.deviation },
  { title: 'mean of activations', of: (layer) => layer.mean },
  { title: 'gradient norm', logarithmic: true, of: (layer) => layer.gradientNorm },
  { title: 'weight norm', logarithmic: true, of: (layer) => layer.weightNorm },
  { title: 'dead units %', of: ({ dead }) => (dead === null ? null : 100 * dead) },
];

/** What was seen inside the chosen nets by depth, at initialisation or at the latest look; nothing where nobody looked. */
export function DepthCharts({ runs }: { readonly runs: readonly ShownRun[] }) {
  const [latest, setLatest] = useState(false);
  const seen = runs.flatMap(({ probes, ...run }) => {
    const probe = latest ? probes.at(-1) : probes[0];
    return probe ? [{ ...run, probe }] : [];
  });
  if (seen.length === 0) return null;
  const steps = [...new Set(seen.map(({ probe }) => probe.step))];
  const moment = steps.length > 1 ? 'after the steps of each' : steps[0] === 0 ? 'at initialisation' : `after ${steps[0]} steps`;
  return (
    <section class="inside" aria-label="inside the nets">
      <label class="card">
        Inside the nets, by depth:{' '}
        <select value={latest ? 'latest' : 'first'} onChange={(event) => setLatest(event.currentTarget.value === 'latest')}>
          <option value="first">the first look</option>
          <option value="latest">the latest look</option>
        </select>{' '}
        <span class="quiet">{moment}</span>
      </label>
      {quantities.map(({ title, logarithmic = false, of }) => {
        const lines = seen.map(({ name, color, probe }) => ({
          ...{ name, color },
          points: probe.layers.map((layer, depth) => ({ x: depth + 1, y: of(layer) })),
        }));
        const some = lines.some(({ points }) => points.some(({ y }) => y !== null));
        return some ? <Chart key={title} title={title} lines={lines} logarithmic={logarithmic} below="layer by depth" /> : null;
      })}
    </section>
  );
}
