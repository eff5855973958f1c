import { useState } from 'preact/hooks';
import { ownColors, seriesColor } from '../src/report/chart-theme.js';
import type { RunSummary } from '../src/runs/run-summary.js';
import { type Column, columnsOf, differences, show, sorted } from './columns.js';

export interface RunTableProps {
  readonly runs: readonly RunSummary[];
  /** Names of the runs that are drawn, with the number of their colour. */
  readonly chosen: ReadonlyMap<string, number>;
  onToggle(run: string): void;
}

/** More rows than a person scrolls through; the filter finds the others. */
const mostRows = 1000;

/** The list: a click, Space or Enter draws a run; arrows go from row to row. */
export function RunTable({ runs, chosen, onToggle }: RunTableProps) {
  const [order, setOrder] = useState({ name: 'run', falling: true });
  const [at, setAt] = useState(0);
  const columns = columnsOf(runs);
  const column = columns.find(({ name }) => name === order.name) ?? (columns[0] as Column);
  const rows = sorted(runs, column, order.falling).slice(0, mostRows);
  const onKey = (event: KeyboardEvent, index: number, run: string): void => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    if (step !== undefined) {
      const to = Math.min(rows.length - 1, Math.max(0, index + step));
      setAt(to);
      (event.currentTarget as HTMLElement).parentElement?.querySelectorAll('tr')[to]?.focus();
    } else if (event.key === ' ' || event.key === 'Enter') onToggle(run);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <table aria-label="runs">
        <thead>
          <tr>
            {columns.map(({ name, label, numeric, wide }) => (
              <th
                key={name}
                scope="col"
                class={`${numeric ? 'number' : ''} ${wide ? 'wide' : ''}`}
                aria-sort={name === column.name ? (order.falling ? 'descending' : 'ascending') : undefined}
              >
                <button type="button" onClick={() => setOrder({ name, falling: name === column.name ? !order.falling : numeric })}>
                  {label}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((run, index) => (
            <tr
              key={run.run}
              tabIndex={index === Math.min(at, rows.length - 1) ? 0 : -1}
              aria-selected={chosen.has(run.run)}
              data-state={run.state}
              onClick={() => {
                setAt(index);
                onToggle(run.run);
              }}
              onFocus={() => setAt(index)}
              onKeyDown={(event) => onKey(event, index, run.run)}
            >
              {columns.map((each, c) => (
                <td
                  key={each.name}
                  class={`${each.numeric ? 'number' : ''} ${each.wide ? 'wide' : ''}`}
                  title={c === 0 ? run.run : undefined}
                >
                  {c === 0 && <Dot series={chosen.get(run.run)} />}
                  {show(each, each.of(run))}
                  {c === 0 && <small class="quiet narrow">{differences(run, columns)}</small>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {runs.length > mostRows && (
        <p class="quiet">
          The first {mostRows} of {runs.length}; the filter finds the others.
        </p>
      )}
    </>
  );
}

/** The colour of a run that is drawn: full where its line is whole, a ring where it is dashed. */
function Dot({ series }: { readonly series: number | undefined }) {
  const drawn = series === undefined ? undefined : { borderColor: seriesColor(series, 'page'), color: seriesColor(series, 'page') };
  return <span class={`dot ${series !== undefined && series < ownColors ? 'full' : ''}`} style={drawn} aria-hidden="true" />;
}
