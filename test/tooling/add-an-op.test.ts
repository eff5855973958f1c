import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Places by op, of the table in docs/add-an-op.md: an empty first cell goes on with the op above. */
function countedPlaces(): Map<string, string[]> {
  const counted = new Map<string, string[]>();
  let op = '';
  for (const [, first = '', place] of textOf('docs/add-an-op.md').matchAll(/^\| ?(.*?) ?\| `([^`]+\.(?:ts|md))` \|/gm)) {
    op = /^`(\w+)`/.exec(first)?.[1] ?? op;
    if (place) counted.set(op, [...(counted.get(op) ?? []), place]);
  }
  return counted;
}

it('an op is named in as many places as docs/add-an-op.md counts', () => {
  const counted = countedPlaces();
  expect([...counted.keys()]).toEqual(['hardswish', 'argmax']);
  const texts = ['packages/kernels/src', 'packages/core/src'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
      .map((file) => ({ file, text: textOf(file) })),
  );
  for (const [op, places] of counted) {
    const named = new RegExp(`\\b${op}\\b`);
    const inSources = texts.filter(({ text }) => named.test(text)).map(({ file }) => file);
    expect(inSources.sort(), op).toEqual(places.filter((place) => place.startsWith('packages/')).sort());
    for (const place of places) expect(textOf(place), `${place} names ${op}`).toMatch(named);
  }
});
