import { type SideName, sideNames } from '../settings.js';
import { FilterGrid } from './filter-grid.js';
import { HeatStrip } from './heat-strip.js';
import { LineChart } from './line-chart.js';
import type { RaceState, RunState } from './race-state.js';
import { smoothed } from './race-state.js';
import { useDark } from './use-dark.js';

const finite = (value: number | null | undefined): number | null =>
  value === null || value === undefined || !Number.isFinite(value) ? null : value;

/** The curves over steps, and what is inside the nets by depth. */
export function Inside({ state }: { readonly state: RaceState }) {
  const { a, b } = state.sides;
  const steps = Array.from({ length: state.step }, (_, i) => i + 1);
  const depth = Math.max(0, ...sideNames.map((side) => state.sides[side].look?.layers.length ?? 0));
  const layers = Array.from({ length: depth }, (_, i) => i + 1);
  const byDepth = (run: RunState, what: 'deviation' | 'gradientNorm'): (number | null)[] =>
    layers.map((_, i) => finite(run.look?.layers[i]?.[what]));
  const losses = [smoothed(a.loss), smoothed(b.loss)] as const;
  // Beside such a loss every other would lie on the axis.
  const exploded = losses.flat().some((loss) => loss !== null && loss > 1000);
  const dark = useDark();
  const lost = sideNames.some((side) => state.sides[side].look?.filters.values.some((value) => !Number.isFinite(value)));
  return (
    <section class="inside" aria-label="what happens">
      <LineChart title="loss, smoothed" along="step" xs={steps} ys={losses} logarithmic={exploded} />
      <LineChart title="accuracy, smoothed" along="step" xs={steps} ys={[smoothed(a.accuracy), smoothed(b.accuracy)]} range={[0, 1]} />
      <LineChart
        title="deviation of activations by layer"
        along="layer"
        xs={layers}
        ys={[byDepth(a, 'deviation'), byDepth(b, 'deviation')]}
        logarithmic
        dots
      />
      <LineChart
        title="norm of the gradient by layer"
        along="layer"
        xs={layers}
        ys={[byDepth(a, 'gradientNorm'), byDepth(b, 'gradientNorm')]}
        logarithmic
        dots
      />
      <figure class="card">
        <figcaption>dead channels by layer: full colour where all are, grey without ReLU</figcaption>
        {sideNames.map((side) => (
          <DeadStrip key={side} side={side} run={state.sides[side]} />
        ))}
        <figcaption>mean |γ| of the norms by depth: full colour from 1</figcaption>
        {sideNames.map((side) => (
          <GammaStrip key={side} side={side} run={state.sides[side]} />
        ))}
      </figure>
      <figure class="card">
        <figcaption>first filters: blue negative, orange positive{lost && `, ${dark ? 'white' : 'black'} no finite number`}</figcaption>
        <div class="filter-pair">
          {sideNames.map((side) => (
            <FilterGrid key={side} name={side.toUpperCase()} filters={state.sides[side].look?.filters} />
          ))}
        </div>
      </figure>
    </section>
  );
}

interface StripProps {
  readonly side: SideName;
  readonly run: RunState;
}

function DeadStrip({ side, run: { look } }: StripProps) {
  const values = (look?.layers ?? []).map(({ dead }) => finite(dead));
  const known = values.filter((value) => value !== null);
  const share = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
  const name = side.toUpperCase();
  return <HeatStrip name={name} values={values} full={1} summary={`${name}: ${(100 * share).toFixed(0)} % of channels dead, all layers`} />;
}

function GammaStrip({ side, run: { look } }: StripProps) {
  const values = (look?.gammas ?? []).map(finite);
  const name = side.toUpperCase();
  const known = values.filter((value) => value !== null);
  const summary =
    known.length > 0 ? `${name}: |γ| from ${Math.min(...known).toFixed(2)} to ${Math.max(...known).toFixed(2)}` : `${name}: no γ`;
  if (look && values.length === 0)
    return (
      <div class="strip">
        <span>{name}</span>
        <span class="quiet">has none</span>
      </div>
    );
  return <HeatStrip name={name} values={values} full={1} summary={summary} />;
}
