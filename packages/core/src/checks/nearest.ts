/** Letters and digits alone: `kernel_size`, `resnet-20` and `kernelSize`, `resnet20` are the same to whoever misspells them. */
const bare = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Insertions, deletions and replacements from one word to the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The known name somebody meant who wrote `name`, or undefined when none is near: differs in a few letters, or goes on. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const own = bare(name);
  const ranked = known
    .map((candidate) => {
      const other = bare(candidate);
      const goesOn = own.length > 2 && (other.startsWith(own) || own.startsWith(other));
      return { candidate, off: goesOn ? Math.min(1, distance(own, other)) : distance(own, other) };
    })
    .sort((a, b) => a.off - b.off);
  const [best] = ranked;
  return best && best.off <= Math.max(1, Math.floor(own.length / 4)) ? best.candidate : undefined;
}

/** `there is no norm "bach"; did you mean "batch"? known are …`: for whatever is looked up by name. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const meant = nearest(String(name), known);
  return `there is no ${kind} "${String(name)}"; ${meant === undefined ? '' : `did you mean "${meant}"? `}known are ${known.join(', ')}`;
}
