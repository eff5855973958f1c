/** Where settings came from: from the command line those in `flags` (as options) and in `grid` (of a sweep), the others from `origin`. */
export interface SettingsOrigin {
  readonly origin: string;
  readonly flags?: readonly string[];
  readonly grid?: readonly string[];
}

/** The option of `initlab train` for a setting: `weightDecay` is `--weight-decay`. */
export const flagOf = (setting: string): string =>
  setting === 'batchSize' ? '--batch' : `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** A setting as it was given: `--lr -1`, `--grid lr=-1`, or `my.json: lr -1`. */
export function showSetting(setting: string, value: unknown, { origin, flags = [], grid = [] }: SettingsOrigin): string {
  if (flags.includes(setting)) return showOption(setting, value);
  if (grid.includes(setting)) return `--grid ${setting}=${String(value)}`;
  return `${origin}: ${setting} ${Array.isArray(value) ? value.join() : JSON.stringify(value)}`;
}

/** A setting as an option of the command line: `--lr -1`, `--nesterov`, `--no-augment`. */
export function showOption(setting: string, value: unknown): string {
  if (value === true) return flagOf(setting);
  if (value === false) return flagOf(setting).replace('--', '--no-');
  return `${flagOf(setting)} ${Array.isArray(value) ? value.join() : String(value)}`;
}
