import { useEffect, useState } from 'preact/hooks';
import { fromHash, type Settings, toHash } from '../settings.js';

/** The settings, which the address of the page holds: a link to it brings them along. */
export function useSettings(): {
  readonly settings: Settings;
  /** What the link said that cannot be. */
  readonly faults: readonly string[];
  readonly change: (settings: Settings) => void;
} {
  const [{ settings, faults }, set] = useState(() => fromHash(location.hash));
  useEffect(() => {
    const onHash = (): void => {
      // Our own changes come back here, too.
      set((before) => (location.hash.slice(1) === toHash(before.settings) ? before : fromHash(location.hash)));
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);
  const change = (next: Settings): void => {
    set({ settings: next, faults: [] });
    history.replaceState(null, '', `#${toHash(next)}`);
  };
  return { settings, faults, change };
}
