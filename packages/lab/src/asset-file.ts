import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the package's `assets/`, from src/ or dist/ or from the one-file bundle; undefined where it is not there. */
export function assetFile(name: string): string | undefined {
  const places = [`../assets/${name}`, `./assets/${name}`];
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
}
