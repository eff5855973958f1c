import { halfPair, quote, SafetensorsError } from './safetensors-error.js';

/** As deep as the format's own reader goes (serde_json). */
const maxDepth = 128;
const [doubleQuote, backslash, zero, nine] = [0x22, 0x5c, 0x30, 0x39];
const numberAhead = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordAhead = /true|false|null/y;

/**
 * Walks over a header's JSON once, from value to value. It refuses what JSON.parse lets pass and the format does not: a key
 * given twice in one object, however it is escaped (the last would win in silence), half a surrogate pair, whole numbers
 * written in another way than by digits.
 */
export class JsonReader {
  private at = 0;
  private depth = 0;
  constructor(private readonly text: string) {}

  /** Reads an object: `member` gets each key and must read its value. False, and nothing read, when something else comes. */
  object(member: (key: string) => void): boolean {
    if (!this.opens('{')) return false;
    const keys = new Set<string>();
    this.each('}', () => {
      const key = this.string();
      if (key === undefined) this.fail('a key in quotes');
      if (keys.has(key)) throw new SafetensorsError(`the header gives ${quote(key)} twice in one object, which the format forbids`);
      keys.add(key);
      if (!this.opens(':', 0)) this.fail('a colon');
      member(key);
    });
    return true;
  }

  /** A string; undefined, and nothing read, when something else comes. */
  string(): string | undefined {
    this.space();
    if (this.text.charCodeAt(this.at) !== doubleQuote) return undefined;
    const start = this.at;
    let escaped = false;
    let code = this.text.charCodeAt(++this.at);
    for (; code !== doubleQuote; code = this.text.charCodeAt(++this.at)) {
      // NaN at the end of the text, which is neither.
      if (!(code >= 0x20)) this.fail('a string without control characters, closed by a quote');
      if (code !== backslash) continue;
      escaped = true;
      this.at++;
    }
    this.at++;
    return escaped ? this.unescape(start) : this.text.slice(start + 1, this.at - 1);
  }

  /** An array of whole numbers from 0, in digits alone; undefined when anything else comes, which is then read in part. */
  wholeNumbers(): number[] | undefined {
    if (!this.opens('[')) return undefined;
    const numbers: number[] = [];
    let whole = true;
    this.each(']', () => {
      const number = whole ? this.wholeNumber() : undefined;
      if (number !== undefined) numbers.push(number);
      else {
        whole = false;
        this.skip();
      }
    });
    return whole ? numbers : undefined;
  }

  /** Reads any value and forgets it. */
  skip(): void {
    if (this.object(() => this.skip()) || this.string() !== undefined) return;
    if (this.opens('[')) {
      this.each(']', () => this.skip());
      return;
    }
    for (const pattern of [numberAhead, wordAhead]) {
      pattern.lastIndex = this.at;
      if (pattern.test(this.text)) {
        this.at = pattern.lastIndex;
        return;
      }
    }
    this.fail('a value');
  }

  /** Nothing but white space may follow. */
  end(): void {
    this.space();
    if (this.at < this.text.length) this.fail('its end');
  }

  private wholeNumber(): number | undefined {
    this.space();
    const start = this.at;
    let value = 0;
    let end = start;
    for (let code = this.text.charCodeAt(end); code >= zero && code <= nine; code = this.text.charCodeAt(++end))
      value = value * 10 + (code - zero);
    const leadingZero = end - start > 1 && this.text.charCodeAt(start) === zero;
    if (end === start || leadingZero || /[.eE]/.test(this.text.charAt(end)) || !Number.isSafeInteger(value)) return undefined;
    this.at = end;
    return value;
  }

  private unescape(start: number): string {
    let value: string | undefined;
    try {
      value = JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      this.fail('escapes that JSON knows', start);
    }
    if (halfPair.test(value)) this.fail('whole characters, not half a surrogate pair', start);
    return value;
  }

  /** Items between commas, up to the closing bracket. */
  private each(close: '}' | ']', item: () => void): void {
    if (!this.opens(close, -1)) {
      do item();
      while (this.opens(',', 0));
      if (!this.opens(close, -1)) this.fail(`a comma or ${close}`);
    }
  }

  private opens(bracket: string, deeper = 1): boolean {
    this.space();
    if (this.text.charAt(this.at) !== bracket) return false;
    this.at++;
    this.depth += deeper;
    if (this.depth > maxDepth) throw new SafetensorsError(`the header is not JSON that is to be read: nested more than ${maxDepth} deep`);
    return true;
  }

  private space(): void {
    for (let c = this.text.charAt(this.at); c === ' ' || c === '\n' || c === '\r' || c === '\t'; c = this.text.charAt(++this.at));
  }

  private fail(expected: string, at = this.at): never {
    const found = at < this.text.length ? quote(this.text.slice(at, at + 20)) : 'its end';
    throw new SafetensorsError(`the header is not JSON: expected ${expected} at character ${at}, found ${found}`);
  }
}
