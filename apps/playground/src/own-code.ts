import { type CodeKind, type OwnCode, ownKinds, type Settings, sideNames } from './settings.js';

/** What is wrong with a person's code, and where. */
export interface CodeFault {
  readonly reason: string;
  /** In which; undefined where that is not known. */
  readonly kind?: CodeKind | undefined;
  /** From 1; undefined where no line can be told. */
  readonly line?: number | undefined;
}

/** A person's code as JavaScript whose lines are where they were, or what is wrong with it. */
export type Transpiled = { readonly js: OwnCode } | { readonly fault: CodeFault };

/**
 * What the two runs use of a person's TypeScript, without its types, which are not checked; imports become calls of `require`. What they
 * do not use is empty. The transpiler is loaded at the first call that has something to do.
 */
export async function transpile(settings: Settings): Promise<Transpiled> {
  const js = { init: '', norm: '' };
  for (const kind of new Set(sideNames.flatMap((side) => ownKinds(settings[side])))) {
    const { transform } = await import('sucrase');
    try {
      js[kind] = transform(settings.code[kind], { transforms: ['typescript', 'imports'] }).code;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const [, reason, line] = message.match(/^(?:Error transforming [^:]*: )?(.*?)(?: \((\d+):\d+\))?$/s) ?? [];
      return { fault: { kind, reason: reason ?? message, line: line === undefined ? undefined : Number(line) } };
    }
  }
  return { js };
}
