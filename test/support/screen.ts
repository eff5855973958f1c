import { Writable } from 'node:stream';

/** A terminal of `columns`, or a stream that is none, which keeps what is written to it. */
export interface Screen {
  readonly stream: Writable & { isTTY: boolean; columns: number };
  /** Everything written, as it came. */
  text(): string;
  /** What a terminal shows: its lines from the first ever written, without spaces at their ends. */
  lines(): string[];
}

export function screen({ isTTY, columns = 100 }: { isTTY: boolean; columns?: number }): Screen {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns }), text: () => text, lines: () => draw(text, columns) };
}

/** The sequences that a terminal's line editing needs: up, to a column, clear a line and downwards, wrap on and off. */
function draw(text: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let [x, y, wrap] = [0, 0, true];
  const rowAt = (at: number): string[] => {
    while (rows.length <= at) rows.push([]);
    return rows[at] as string[];
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about.
  for (const [token, parameter = '', command] of text.matchAll(/\u001b\[([?\d;]*)([A-Za-z])|\u001b.|[\s\S]/gu)) {
    if (command === 'A') y = Math.max(0, y - Number(parameter || 1));
    else if (command === 'B') y += Number(parameter || 1);
    else if (command === 'G') x = Number(parameter || 1) - 1;
    else if (command === 'J') {
      rowAt(y).length = Math.min(rowAt(y).length, x);
      rows.length = y + 1;
    } else if (command === 'K') rowAt(y).splice(parameter === '2' ? 0 : x);
    else if (command === 'h' || command === 'l') wrap = parameter === '?7' ? command === 'h' : wrap;
    else if (token === '\r') x = 0;
    else if (token === '\n') {
      x = 0;
      y++;
      rowAt(y);
    } else if (!token.startsWith('\u001b')) {
      if (x >= columns) [x, y] = wrap ? [0, y + 1] : [columns - 1, y];
      const row = rowAt(y);
      while (row.length < x) row.push(' ');
      row[x++] = token;
    }
  }
  return rows.map((row) =>
    Array.from(row, (character) => character ?? ' ')
      .join('')
      .trimEnd(),
  );
}
