/** Characters that take two columns of a terminal: East Asian wide ones and pictures. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Marks on the character before, and what joins characters: no column. */
const none = /\p{Mark}|\p{Cf}/u;

const widthOf = (character: string): number => (none.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** Columns of a terminal that a line of text takes. */
export function textWidth(text: string): number {
  // Nearly all text is plain.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** Filled up with blanks to a width; `right` puts them before. */
export function padText(text: string, width: number, { right = false }: { right?: boolean } = {}): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return right ? blanks + text : text + blanks;
}

/** At most as wide, with … in place of its middle: names differ at their ends. */
export function shortenText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const characters = [...text];
  const take = (from: readonly string[], most: number): string[] => {
    const taken: string[] = [];
    let used = 0;
    for (const character of from) {
      used += widthOf(character);
      if (used > most) break;
      taken.push(character);
    }
    return taken;
  };
  const start = take(characters, Math.ceil((width - 1) / 2));
  const end = take([...characters].reverse(), Math.floor((width - 1) / 2)).reverse();
  return `${start.join('')}…${end.join('')}`;
}

/** Lines of at most a width, broken between words; a longer word has a line of its own. `indent` stands before all but the first. */
export function wrapText(text: string, width: number, { indent = '' }: { indent?: string } = {}): string[] {
  const lines: string[] = [];
  const start = /^ */.exec(text)?.[0] ?? '';
  const [first = '', ...words] = text.slice(start.length).split(' ');
  let line = start + first;
  for (const word of words) {
    const longer = `${line} ${word}`;
    if (textWidth(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}

/** What a name from outside must not do to a terminal or to a line of a file: no line ends, escape sequences or turned order. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '\ufffd');
