/** What is wrong with a person's code, and where. */
export interface CodeFault {
  readonly reason: string;
  /** From 1; undefined where no line can be told. */
  readonly line?: number | undefined;
}

/** A person's code as JavaScript whose lines are where they were, or what is wrong with it. */
export type Transpiled = { readonly js: string } | { readonly fault: CodeFault };

/**
 * TypeScript without its types, which are not checked; imports become calls of `require`. The transpiler is loaded at the first call.
 */
export async function transpile(code: string): Promise<Transpiled> {
  const { transform } = await import('sucrase');
  try {
    return { js: transform(code, { transforms: ['typescript', 'imports'] }).code };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, reason, line] = message.match(/^(?:Error transforming [^:]*: )?(.*?)(?: \((\d+):\d+\))?$/s) ?? [];
    return { fault: { reason: reason ?? message, line: line === undefined ? undefined : Number(line) } };
  }
}
