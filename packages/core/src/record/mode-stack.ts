/**
 * A mode of the whole library that holds while a body runs, an async one until it settles. Bodies may overlap
 * (`Promise.all`): the latest that is still under way counts, and after the last the mode is what it was before the first.
 */
export class ModeStack<T> {
  private current: T;
  private readonly entries: { readonly value: T }[] = [];

  constructor(private readonly outside: T) {
    this.current = outside;
  }

  get value(): T {
    return this.current;
  }

  /** Runs `body` with the mode set to `value`. */
  during<R>(value: T, body: () => R): R {
    const entry = { value };
    this.entries.push(entry);
    this.current = value;
    const end = (): void => {
      this.entries.splice(this.entries.lastIndexOf(entry), 1);
      const latest = this.entries.at(-1);
      this.current = latest ? latest.value : this.outside;
    };
    let result: R;
    try {
      result = body();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) return result.finally(end) as R;
    end();
    return result;
  }
}
