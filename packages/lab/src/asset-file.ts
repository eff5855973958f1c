import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the package's `assets/`, from src/, dist/ or bundle/ or from the one-file bundle; undefined where it is not there. */
export function assetFile(name: string): string | undefined {
  return firstThere([`../assets/${name}`, `./assets/${name}`]);
}

/** A file of the repository, where this is its checkout. */
export const repositoryFile = (name: string): string | undefined => firstThere([`../../../${name}`]);

/** By their places beside this file, which lies as deep in src/ as what is made of it does in dist/ and bundle/. */
const firstThere = (places: readonly string[]): string | undefined =>
  places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
