/** A part of a line, with how dear it is: where not all fit, the parts of least worth are left out. */
export interface LinePart {
  readonly text: string;
  /** Larger is kept longer. */
  readonly worth: number;
  /** A name may lose its middle before other parts are left out. */
  readonly shrinks?: boolean;
}

const bars = { most: 24, least: 8 };
/** What is worth less goes before the bar does. */
const barWorth = 3;
/** A name of fewer characters says nothing. */
const leastName = 10;
const width = (parts: readonly LinePart[]): number => parts.reduce((sum, { text }) => sum + text.length + 2, -2);

/**
 * One line of `columns` characters at most: a bar for `fraction`, as long as there is room, and the parts. Where they do not fit,
 * those of little worth go first, then the bar, then the middle of names, then the others; what is left alone is cut off.
 */
export function fitLine(
  parts: readonly LinePart[],
  { fraction, columns }: { readonly fraction: number; readonly columns: number },
): string {
  const kept = leaveOut(
    parts.filter(({ text }) => text !== ''),
    { below: barWorth, room: columns - bars.least - 2 },
  );
  const room = columns - width(kept) - 2;
  if (room >= bars.least) {
    const length = Math.min(bars.most, room);
    const filled = Math.round(Math.min(1, Math.max(0, fraction)) * length);
    return `${'█'.repeat(filled)}${'░'.repeat(length - filled)}  ${join(kept)}`;
  }
  const line = join(leaveOut(shrink(kept, columns), { below: Number.POSITIVE_INFINITY, room: columns }));
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

function leaveOut(parts: readonly LinePart[], { below, room }: { below: number; room: number }): readonly LinePart[] {
  let kept = parts;
  while (width(kept) > room && kept.length > 1) {
    const least = kept.reduce((a, b) => (b.worth < a.worth ? b : a));
    if (least.worth >= below) break;
    kept = kept.filter((part) => part !== least);
  }
  return kept;
}

function shrink(parts: readonly LinePart[], columns: number): readonly LinePart[] {
  const over = width(parts) - columns;
  return parts.map((part) => (part.shrinks && over > 0 ? { ...part, text: withoutMiddle(part.text, part.text.length - over) } : part));
}

/** `lr 0.1, init…, seed 1`: both ends tell runs apart. */
function withoutMiddle(text: string, wanted: number): string {
  const length = Math.min(text.length, Math.max(leastName, wanted));
  if (length >= text.length) return text;
  const end = Math.floor((length - 1) / 2);
  return `${text.slice(0, length - 1 - end)}…${text.slice(text.length - end)}`;
}

const join = (parts: readonly LinePart[]): string => parts.map(({ text }) => text).join('  ');
