import { useEffect, useId, useState } from 'preact/hooks';
import type { ChoiceGroup } from '../choices.js';

export interface MenuProps {
  readonly label: string;
  readonly value: string;
  readonly groups: readonly ChoiceGroup[];
  readonly onChange: (value: string) => void;
}

/** A labelled menu in groups. */
export function Menu({ label, value, groups, onChange }: MenuProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {groups.map(({ title, choices }) => (
          <optgroup key={title} label={title}>
            {choices.map(({ name, note }) => (
              <option key={name} value={name} selected={name === value}>
                {note ? `${name}: ${note}` : name}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

export interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly range: { readonly from: number; readonly to: number };
  /** Whole numbers only. */
  readonly whole?: boolean;
  readonly onChange: (value: number) => void;
}

/** A labelled number; one out of range is not taken, and the field says so. */
export function NumberField({ label, value, range: { from, to }, whole = false, onChange }: NumberFieldProps) {
  const id = useId();
  // What is being typed: the page is drawn anew with each step of a race, and would write the number that holds over it.
  const [draft, setDraft] = useState<string>();
  useEffect(() => setDraft(undefined), [value]);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        value={draft ?? value}
        min={from}
        max={to}
        step={whole ? 1 : 'any'}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onChange={(event) => {
          const { value: text, validity } = event.currentTarget;
          if (text === '' || !validity.valid) event.currentTarget.reportValidity();
          else if (Number(text) === value) setDraft(undefined);
          else onChange(Number(text));
        }}
      />
    </div>
  );
}
