import { useState } from 'preact/hooks';
import { labCommand, looksAtImages, ownFile } from '../lab-command.js';
import { type CodeKind, codeNames, ownKinds, type Settings, type SideName, sideNames } from '../settings.js';

/** The command lines that go on where the page ends. */
export function LabPanel({ settings }: { readonly settings: Settings }) {
  return (
    <section class="card lab" aria-label="continue in the lab">
      <h2>Continue in the lab</h2>
      <p class="quiet">
        In Node, on your whole GPU, with checkpoints and reports: these begin with the weights that the page began with, bit for bit.
      </p>
      {sideNames.map((side) => (
        <LabLine key={side} side={side} settings={settings} />
      ))}
    </section>
  );
}

function LabLine({ side, settings }: { readonly side: SideName; readonly settings: Settings }) {
  const command = labCommand(settings, side);
  const [copied, setCopied] = useState('');
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(command);
    setCopied(command);
  };
  return (
    <div class="lab-line">
      <span>{side.toUpperCase()}</span>
      <code>{wholeOptions(command).map((part) => [<span key={part}>{part}</span>, ' '])}</code>
      <button type="button" aria-label={`copy the command of ${side.toUpperCase()}`} onClick={() => void copy().catch(() => undefined)}>
        {copied === command ? 'Copied' : 'Copy'}
      </button>
      {ownKinds(settings[side]).map((kind) => (
        <OwnFile key={kind} kind={kind} code={settings.code[kind]} />
      ))}
      {looksAtImages(settings[side].init) && (
        <p class="quiet">
          {settings[side].init} looks at images, with sums that each driver takes in its own order: its weights agree but for their last
          bits.
        </p>
      )}
    </div>
  );
}

/** A command line breaks before an option, not within it. */
const wholeOptions = (command: string): string[] => command.split(/ (?=--)/);

/** The person's code as the file that the command takes. */
const OwnFile = ({ kind, code }: { readonly kind: CodeKind; readonly code: string }) => (
  <p>
    <a download={ownFile[kind]} href={`data:text/plain;charset=utf-8,${encodeURIComponent(code)}`}>
      {ownFile[kind]}
    </a>{' '}
    is the {codeNames[kind]}; put it beside where you call the command.
  </p>
);
