import { inits, namesOf, nets, norms, own } from './choices.js';

/** Which of the two runs. */
export const sideNames = ['a', 'b'] as const;
export type SideName = (typeof sideNames)[number];

/** What is a run's own. */
export interface SideSettings {
  readonly net: string;
  readonly init: string;
  readonly norm: string;
  readonly lr: number;
}

/** All that decides what the page trains; both runs share batches and seed. */
export interface Settings {
  readonly a: SideSettings;
  readonly b: SideSettings;
  readonly batchSize: number;
  readonly seed: number;
  /** TypeScript of what is called `own`; empty for none. */
  readonly code: OwnCode;
}

/** What a person may write of a run's settings. */
export const codeKinds = ['init', 'norm'] as const;
export type CodeKind = (typeof codeKinds)[number];
export type OwnCode = Readonly<Record<CodeKind, string>>;
export const codeNames: OwnCode = { init: 'initialisation', norm: 'norm' };

/** What of a run's settings is written by the person. */
export const ownKinds = (settings: SideSettings): readonly CodeKind[] => codeKinds.filter((kind) => settings[kind] === own);

const usual: SideSettings = { net: 'resnet8', init: 'kaiming', norm: 'batch', lr: 0.1 };
/** The first story's. */
export const defaultSettings: Settings = { a: { ...usual, init: 'zero' }, b: usual, batchSize: 32, seed: 42, code: { init: '', norm: '' } };

/** Largest values that are taken from a link or a field: what is beyond trains nothing. */
export const most = { lr: 100, batchSize: 256, seed: 2 ** 31 - 1 } as const;

const sideText = ({ net, init, norm, lr }: SideSettings): string => [net, init, norm, String(lr)].join(',');

/** Where a link holds a person's code. */
const codeParts: Readonly<Record<CodeKind, string>> = { init: 'code', norm: 'norm-code' };

/** The part of a link behind its `#`. */
export function toHash({ a, b, batchSize, seed, code }: Settings): string {
  const parts = new URLSearchParams({ a: sideText(a), b: sideText(b), batch: String(batchSize), seed: String(seed) });
  for (const kind of codeKinds) if (code[kind]) parts.set(codeParts[kind], code[kind]);
  return parts.toString().replaceAll('%2C', ',');
}

/** What a link says; its faults in words, and the usual setting in their place. */
export function fromHash(hash: string): { readonly settings: Settings; readonly faults: readonly string[] } {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const faults: string[] = [];
  const number = (what: string, text: string | null | undefined, range: { from: number; to: number; usual: number }): number => {
    if (text === null || text === undefined) return range.usual;
    const value = Number(text);
    if (text !== '' && value >= range.from && value <= range.to) return value;
    faults.push(`${what} “${text}” is not between ${range.from} and ${range.to}`);
    return range.usual;
  };
  const whole = (what: string, range: { to: number; usual: number }): number => {
    const value = number(what, parts.get(what), { from: what === 'seed' ? 0 : 1, ...range });
    return Math.round(value);
  };
  const name = (what: string, text: string | undefined, known: { names: readonly string[]; usual: string }): string => {
    if (text === undefined || text === '') return known.usual;
    if (known.names.includes(text)) return text;
    faults.push(`there is no ${what} “${text}”`);
    return known.usual;
  };
  const side = (which: SideName): SideSettings => {
    const [net, init, norm, lr] = (parts.get(which) ?? '').split(',');
    const given = defaultSettings[which];
    return {
      net: name('net', net, { names: namesOf(nets), usual: given.net }),
      init: name('initialisation', init, { names: [...namesOf(inits), own], usual: given.init }),
      norm: name('norm', norm, { names: [...namesOf(norms), own], usual: given.norm }),
      lr: number('learning rate', lr, { from: 0, to: most.lr, usual: given.lr }),
    };
  };
  const settings: Settings = {
    a: side('a'),
    b: side('b'),
    batchSize: whole('batch', { to: most.batchSize, usual: defaultSettings.batchSize }),
    seed: whole('seed', { to: most.seed, usual: defaultSettings.seed }),
    code: { init: parts.get(codeParts.init) ?? '', norm: parts.get(codeParts.norm) ?? '' },
  };
  return { settings, faults };
}

/** The settings with the usual ones where a person's own code stood; the code itself stays, for who mends it. */
export function withoutOwn(settings: Settings): Settings {
  const side = (which: SideName): SideSettings => {
    const kinds = ownKinds(settings[which]);
    return { ...settings[which], ...Object.fromEntries(kinds.map((kind) => [kind, usual[kind]])) };
  };
  return { ...settings, a: side('a'), b: side('b') };
}
