import { DeviceError } from '../checks/errors.js';

/** A GPU, or a driver that computes on the CPU, as Dawn names it. */
export interface AdapterName {
  readonly name: string;
  /** `vulkan`, `metal`, `d3d12`, … */
  readonly backend: string;
}

/**
 * The adapters that Dawn lists where none has the name asked for.
 * @internal
 */
export const adaptersIn = (message: string): AdapterName[] =>
  [...message.matchAll(/^ \* backend: '(.*)', name: '(.*)'$/gm)].map(([, backend = '', name = '']) => ({ backend, name }));

/**
 * The adapter whose name is `wanted`, or contains it, in any case. Throws `DeviceError` listing what there is where none or
 * several of different names do.
 * @internal
 */
export function chooseAdapter(wanted: string, adapters: readonly AdapterName[]): string {
  const names = [...new Set(adapters.map(({ name }) => name))];
  const part = wanted.trim().toLowerCase();
  const whole = names.filter((name) => name.toLowerCase() === part);
  const found = whole.length > 0 ? whole : names.filter((name) => part !== '' && name.toLowerCase().includes(part));
  if (found.length === 1) return found[0] as string;
  const what = found.length === 0 ? 'no adapter’s name contains it' : 'more than one adapter has it in its name; give more of it';
  throw new DeviceError(
    `adapter ${JSON.stringify(wanted)}: ${what}. There ${names.length === 1 ? 'is' : 'are'} ${names.map((name) => JSON.stringify(name)).join(', ') || 'none'}.`,
  );
}
