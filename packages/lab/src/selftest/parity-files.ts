import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A reference file shipped with the package (made by scripts/copy-parity.mjs from test/parity), or the repository's own. */
export function parityFile(name: string): string {
  // From src/ or dist/ of the package, from the one-file bundle, and from a checkout that was not built.
  const places = [`../../assets/parity/${name}`, `../assets/parity/${name}`, `./assets/parity/${name}`, `../../../../test/parity/${name}`];
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  if (!found) throw new Error(`the reference file ${name} was not found; pass --ops FILE.json or --models FILE.json`);
  return found;
}
