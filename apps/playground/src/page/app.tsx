import { useEffect, useState } from 'preact/hooks';
import {
  type CodeKind,
  codeKinds,
  codeNames,
  defaultSettings,
  most,
  ownKinds,
  type Settings,
  sideNames,
  toHash,
  withoutOwn,
} from '../settings.js';
import { sceneOf } from '../stories.js';
import { Editor } from './editor.js';
import { Inside } from './inside.js';
import { LabPanel } from './lab-panel.js';
import { NumberField } from './menu.js';
import type { RaceState } from './race-state.js';
import { SidePanel } from './side-panel.js';
import { StoryPanel } from './story-panel.js';
import { Training } from './training.js';
import { useSettings } from './use-settings.js';

const training = new Training();

/** The race's state, seen once in a frame. */
function useTraining(): RaceState {
  const [state, set] = useState(training.state);
  useEffect(() => training.watch(() => set(training.state)), []);
  return state;
}

/** Two runs side by side. */
export function App() {
  const { settings, faults, change } = useSettings();
  const state = useTraining();
  const key = toHash(settings);
  const [writing, setWriting] = useState<Readonly<Record<CodeKind, boolean>>>({ init: false, norm: false });
  const [trusted, setTrusted] = useState(defaultSettings.code);
  const [notice, setNotice] = useState('');
  const used = codeKinds.filter((kind) => sideNames.some((side) => ownKinds(settings[side]).includes(kind)));
  // Code of a story is the page's; a link's is somebody's.
  const ofStory = sceneOf(settings) !== undefined;
  const mayRun = (kind: CodeKind): boolean => !used.includes(kind) || ofStory || settings.code[kind] === trusted[kind];
  const mayRunAll = codeKinds.every(mayRun);
  const build = (): void => {
    if (mayRunAll) void training.build(settings);
    else training.clear();
  };
  useEffect(build, [key, mayRunAll]);
  useEffect(() => {
    if (!state.hung) return;
    setNotice(
      `Your own ${used.map((kind) => codeNames[kind]).join(' and ')} did not end in training. Its worker was ended, and both runs begin again without it: mend the code below.`,
    );
    setTrusted(defaultSettings.code);
    setWriting({ init: used.includes('init'), norm: used.includes('norm') });
    change(withoutOwn(settings));
  }, [state.hung]);
  const choose = (next: Settings): void => {
    setNotice('');
    change(next);
  };
  const set = (part: Partial<Settings>): void => choose({ ...settings, ...part });
  const failed = state.failure;
  return (
    <>
      <header>
        <h1>initlab playground</h1>
        <p class="quiet">
          Two initialisations race in your browser: real networks, real images, trained on your GPU. Nothing leaves this page.
        </p>
      </header>
      <main>
        <StoryPanel settings={settings} onChoose={choose} />
        <section class="settings" aria-label="settings">
          {sideNames.map((side) => (
            <SidePanel key={side} side={side} settings={settings[side]} run={state.sides[side]} onChange={(own) => set({ [side]: own })} />
          ))}
          <section class="card both" aria-label="both runs">
            <h2 class="row">Both</h2>
            <NumberField
              label="images per step"
              value={settings.batchSize}
              range={{ from: 1, to: most.batchSize }}
              whole
              onChange={(batchSize) => set({ batchSize })}
            />
            <NumberField label="seed" value={settings.seed} range={{ from: 0, to: most.seed }} whole onChange={(seed) => set({ seed })} />
            {codeKinds.map((kind) => (
              <button
                key={kind}
                type="button"
                class="row"
                aria-expanded={used.includes(kind) || writing[kind]}
                onClick={() => setWriting({ ...writing, [kind]: !writing[kind] })}
              >
                Write {kind === 'init' ? 'an' : 'a'} {codeNames[kind]}
              </button>
            ))}
            <Buttons state={state} onReset={build} />
          </section>
        </section>
        {notice && (
          <p class="card failure" role="alert">
            {notice}
          </p>
        )}
        <Status state={state} faults={faults} onAgain={build} />
        {codeKinds
          .filter((kind) => used.includes(kind) || writing[kind])
          .map((kind) => (
            <Editor
              key={kind}
              kind={kind}
              settings={settings}
              trusted={mayRun(kind)}
              fault={failed?.kind === kind && failed.line !== undefined ? failed : undefined}
              onPassed={(next, side) => {
                setTrusted({ ...trusted, ...Object.fromEntries(ownKinds(next[side]).map((each) => [each, next.code[each]])) });
                choose(next);
              }}
            />
          ))}
        <Inside state={state} />
        <LabPanel settings={settings} />
      </main>
    </>
  );
}

function Buttons({ state, onReset }: { readonly state: RaceState; readonly onReset: () => void }) {
  const { running, ready } = state;
  return (
    <div class="buttons row">
      <button type="button" class="main" disabled={!ready} onClick={() => training.run(!running)}>
        {running ? 'Pause' : 'Start'}
      </button>
      <button type="button" disabled={!ready || running} onClick={() => training.step()}>
        Step
      </button>
      <button type="button" onClick={onReset}>
        Reset
      </button>
    </div>
  );
}

interface StatusProps {
  readonly state: RaceState;
  readonly faults: readonly string[];
  readonly onAgain: () => void;
}

/** What is under way, or what went wrong and what to do about it. */
function Status({ state: { failure, doing, adapter, step, running, ready, sides }, faults, onAgain }: StatusProps) {
  const fault = faults.length > 0 && (
    <p role="alert">This link has settings that cannot be: {faults.join('; ')}. The usual ones stand in their place.</p>
  );
  if (failure)
    return (
      <div class="card failure" role="alert">
        {fault}
        <p>
          {failure.of === 'a' || failure.of === 'b' ? `Run ${failure.of.toUpperCase()}: ` : ''}
          {failure.reason}
        </p>
        {failure.lost && (
          <p>The GPU device went away: a driver was restarted, or had too much to do. Begin again, or choose a smaller net or batch.</p>
        )}
        <button type="button" onClick={onAgain}>
          Begin again
        </button>
      </div>
    );
  const seen = sides.b.look ? `; looked inside after ${sides.b.look.step} steps` : '';
  const where = adapter ? ` on ${adapter.name}${adapter.software ? ', a software driver: slow, but right' : ''}` : '';
  return (
    <div class="status">
      {fault}
      <p role="status" class="quiet">
        {doing ? `${doing}…` : ready ? `${running ? 'training' : 'ready'}, step ${step}${where}${seen}` : ''}
      </p>
    </div>
  );
}
