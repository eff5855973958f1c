import { inits, nets, norms, ownChoice } from '../choices.js';
import { most, type SideName, type SideSettings } from '../settings.js';
import { Menu, NumberField } from './menu.js';
import type { RunState } from './race-state.js';
import { smoothed } from './race-state.js';

export interface SidePanelProps {
  readonly side: SideName;
  readonly settings: SideSettings;
  readonly run: RunState;
  readonly onChange: (settings: SideSettings) => void;
}

/** One run: its settings, and where it stands. */
export function SidePanel({ side, settings, run, onChange }: SidePanelProps) {
  const name = side.toUpperCase();
  return (
    <section class={`card side side-${side}`} aria-label={`run ${name}`}>
      <h2 class="row">{name}</h2>
      <Menu label="net" value={settings.net} groups={nets} onChange={(net) => onChange({ ...settings, net })} />
      <Menu
        label="initialisation"
        value={settings.init}
        groups={[...inits, ownChoice]}
        onChange={(init) => onChange({ ...settings, init })}
      />
      <Menu label="norm" value={settings.norm} groups={[...norms, ownChoice]} onChange={(norm) => onChange({ ...settings, norm })} />
      <NumberField
        label="learning rate"
        value={settings.lr}
        range={{ from: 0, to: most.lr }}
        onChange={(lr) => onChange({ ...settings, lr })}
      />
      <p class="numbers row" data-side={side}>
        {standing(run)}
      </p>
    </section>
  );
}

function standing(run: RunState): string {
  if (run.diverged !== undefined) return `The loss is no finite number since step ${run.diverged}.`;
  const [loss, accuracy] = [smoothed(run.loss).at(-1), smoothed(run.accuracy).at(-1)];
  if (typeof loss === 'number' && typeof accuracy === 'number') return `loss ${loss.toFixed(3)}, accuracy ${(100 * accuracy).toFixed(0)} %`;
  if (run.built) return `${run.built.parameters.toLocaleString('en')} weights, checksum ${run.built.checksum.slice(0, 8)}`;
  return ' ';
}
