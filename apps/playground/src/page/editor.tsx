import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { own } from '../choices.js';
import type { CodeFault } from '../own-code.js';
import { ownNormTemplate, ownTemplate } from '../own-template.js';
import { type CodeKind, codeNames, type OwnCode, type Settings, type SideName, sideNames } from '../settings.js';
import { tryCode } from './try-code.js';

export interface EditorProps {
  readonly kind: CodeKind;
  readonly settings: Settings;
  /** Whether the settings' code may run: it came with a link, and was not tried yet, where not. */
  readonly trusted: boolean;
  /** Of the training. */
  readonly fault: CodeFault | undefined;
  /** The code passed: these settings have it. */
  readonly onPassed: (settings: Settings, side: SideName) => void;
}

const templates: OwnCode = { init: ownTemplate, norm: ownNormTemplate };

/** An initialisation or a norm of one's own: written here, tried, and then raced. */
export function Editor({ kind, settings, trusted, fault, onPassed }: EditorProps) {
  const name = codeNames[kind];
  const code = settings.code[kind];
  const [draft, setDraft] = useState(code || templates[kind]);
  const [found, setFound] = useState<CodeFault>();
  const [trying, setTrying] = useState(false);
  useEffect(() => {
    if (code) setDraft(code);
    setFound(undefined);
  }, [code]);
  const use = async (side: SideName): Promise<void> => {
    setTrying(true);
    const next: Settings = { ...settings, code: { ...settings.code, [kind]: draft }, [side]: { ...settings[side], [kind]: own } };
    const wrong = await tryCode(next, side);
    setTrying(false);
    setFound(wrong);
    if (!wrong) onPassed(next, side);
  };
  const shown = found ?? fault;
  return (
    <section class="card editor" aria-label={`your own ${name}`}>
      <h2>Your own {name}</h2>
      {!trusted && (
        <p role="alert">
          This link brings {kind === 'init' ? 'an' : 'a'} {name} that someone wrote. Read it; it runs when you press a button below.
        </p>
      )}
      <CodeField value={draft} line={shown?.kind === kind ? shown.line : undefined} onChange={setDraft} />
      {shown && (
        <p role="alert" class="fault">
          {shown.kind !== undefined && shown.kind !== kind ? `In your own ${codeNames[shown.kind]}: ` : ''}
          {shown.line === undefined ? '' : `Line ${shown.line}: `}
          {shown.reason}
        </p>
      )}
      <div class="buttons">
        {sideNames.map((side) => (
          <button key={side} type="button" disabled={trying} onClick={() => void use(side)}>
            Try it, and use it in {side.toUpperCase()}
          </button>
        ))}
      </div>
      <p class="quiet">
        {trying
          ? 'Trying it…'
          : 'TypeScript; types are not checked. It is tried in a worker of its own, for two seconds at most, before it trains.'}
      </p>
    </section>
  );
}

interface CodeFieldProps {
  readonly value: string;
  /** The line that is wrong. */
  readonly line: number | undefined;
  readonly onChange: (value: string) => void;
}

/** Text with its lines numbered. */
function CodeField({ value, line, onChange }: CodeFieldProps) {
  const id = useId();
  const numbers = useRef<HTMLPreElement>(null);
  const lines = value.split('\n');
  return (
    <div class="code">
      <pre ref={numbers} aria-hidden="true">
        {lines.map((_, i) => (
          <span key={i} class={i + 1 === line ? 'wrong' : ''}>{`${i + 1}\n`}</span>
        ))}
      </pre>
      <label class="hidden" for={id}>
        code
      </label>
      <textarea
        id={id}
        rows={16}
        spellcheck={false}
        wrap="off"
        aria-invalid={line !== undefined}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
        onScroll={(event) => {
          if (numbers.current) numbers.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
