/** A value as messages show it: lists whole, objects by their class. */
export const showValue = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(String).join(', ')}]`
    : value !== null && typeof value === 'object'
      ? (value.constructor?.name ?? 'an object')
      : String(value);
