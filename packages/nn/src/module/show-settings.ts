type Setting = number | string | boolean | null | readonly number[];

const isPairOfEquals = (value: Setting): value is readonly number[] => Array.isArray(value) && value.length === 2 && value[0] === value[1];
const listed = (value: Setting): string => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value));
const shown = (value: Setting): string => (isPairOfEquals(value) ? String(value[0]) : listed(value));

/**
 * What a layer was made of, for `Module.extraRepr`: its sizes as they were given, then the options by name, but for those that have
 * their defaults. A pair of equals is one number.
 */
export function showSettings(
  sizes: readonly Setting[],
  options: Readonly<Record<string, Setting>> = {},
  defaults: Readonly<Record<string, Setting>> = {},
): string {
  const named = Object.entries(options)
    .map(([name, value]) => [name, shown(value)] as const)
    .filter(([name, value]) => !(name in defaults) || value !== shown(defaults[name] as Setting));
  return [...sizes.map(listed), ...named.map(([name, value]) => `${name}=${value}`)].join(', ');
}
