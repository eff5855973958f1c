/** For calls that TypeScript refuses but JavaScript makes: a value as whatever is asked for. */
export const untyped = <T>(value: unknown): T => value as T;
