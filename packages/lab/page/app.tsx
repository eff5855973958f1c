import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunEpochs } from '../src/ui/api.js';
import { Chart, type ChartLine } from './chart.js';
import { columnsOf, differences, matching } from './columns.js';
import { DepthCharts } from './depth-charts.js';
import { RunTable } from './run-table.js';
import { useEpochs, useProbes, useRuns } from './use-runs.js';

/** As many as there are colours. */
const mostChosen = 10;
type Curve = keyof RunEpochs['epochs'][number];

/** The folder of runs: a list to choose from, and the curves of those chosen. */
export function App() {
  const { list, lost } = useRuns();
  const [words, setWords] = useState('');
  const [chosen, setChosen] = useState<ReadonlyMap<string, number>>(new Map());
  const filter = useRef<HTMLInputElement>(null);
  const all = list?.runs ?? [];
  const shown = matching(all, words);
  const wanted = new Map(all.filter(({ run }) => chosen.has(run)).map(({ run, epochsDone }) => [run, epochsDone]));
  const epochs = useEpochs(wanted);
  const probes = useProbes(wanted);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const inField = event.target instanceof HTMLInputElement;
      if (event.key === '/' && !inField) {
        filter.current?.focus();
        event.preventDefault();
      } else if (event.key === 'Escape') {
        if (inField) setWords('');
        else setChosen(new Map());
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const toggle = (run: string): void =>
    setChosen((before) => {
      const next = new Map(before);
      if (next.delete(run)) return next;
      const free = Array.from({ length: mostChosen }, (_, i) => i).find((color) => ![...next.values()].includes(color));
      return free === undefined ? before : next.set(run, free);
    });
  const drawn = all.filter(({ run }) => chosen.has(run));
  const columns = columnsOf(drawn);
  // Two runs of the same settings are told apart by their folders.
  const nameOf = new Map(drawn.map((run) => [run.run, differences(run, columns) || run.run]));
  const lines = (curve: Curve): ChartLine[] =>
    [...chosen].map(([run, color]) => ({
      name: nameOf.get(run) ?? run,
      color,
      points: (epochs.get(run) ?? []).map((each) => ({ x: each.epoch, y: each[curve] })),
    }));
  const running = all.filter(({ state }) => state === 'running').length;
  return (
    <>
      <header>
        <h1>initlab</h1>
        <p class="quiet" role="status">
          {lost
            ? 'The server does not answer; what is shown may be old.'
            : list
              ? `${shown.length === all.length ? all.length : `${shown.length} of ${all.length}`} runs in ${list.root}, ${running} running`
              : 'Reading…'}
        </p>
        <label>
          Filter{' '}
          <input
            ref={filter}
            type="search"
            value={words}
            placeholder="resnet56 lr=0.1 running"
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <p class="quiet keys">/ filter, arrows and Space choose up to {mostChosen}, Escape clears</p>
      </header>
      <main>
        <section class="list card" aria-label="list of runs">
          <RunTable runs={shown} chosen={chosen} onToggle={toggle} />
        </section>
        <section class="charts" aria-label="curves">
          {chosen.size === 0 ? (
            <p class="quiet card">Choose runs to see their curves.</p>
          ) : (
            <>
              <Chart title="test accuracy %" lines={lines('testAccuracy')} />
              <Chart title="training loss" lines={lines('trainLoss')} logarithmic />
              <DepthCharts
                runs={[...chosen].map(([run, color]) => ({ name: nameOf.get(run) ?? run, color, probes: probes.get(run) ?? [] }))}
              />
            </>
          )}
        </section>
      </main>
    </>
  );
}
