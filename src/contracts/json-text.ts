/**
 * Parts of a JSON text as they were written. `JSON.parse` and `JSON.stringify` would rewrite `1.0`,
 * `12345678901234567890` and keys that occur twice; the data of a publication stays as it was sent (SPEC CE4).
 *
 * A text MUST have passed `JSON.parse` before. Nothing here calls itself for a nested value, so no text overflows the
 * stack, and each function reads a text once.
 */

/** A part of a text. `levels`: how deep its lists and objects are nested. */
export type JsonPart = { readonly start: number; readonly end: number; readonly levels: number };

/**
 * A value that is nested deeper would break some of its readers: PHP refuses it from 512 levels on, Python raises an
 * error in the reader from 1,000 on (measured), and `JSON.stringify` overflows the stack from about 5,000 on (measured).
 */
export const MOST_LEVELS = 500;

/** The value that `JSON.parse` finds at a path of fields: where a key occurs twice, the last one counts. */
export function findPart(text: string, path: readonly string[], from = 0): JsonPart | undefined {
  const scanner = new Scanner(text, from);
  return scanner.find(path, 0);
}

/** Where the values of a list begin. */
export function startsOfItems(text: string, list: JsonPart): number[] {
  const scanner = new Scanner(text, list.start);
  return scanner.items();
}

/** A value as one line of text, as frames are lines. A line break of a JSON text is outside its strings. */
export const cutPart = (text: string, { start, end }: JsonPart): string =>
  text.slice(start, end).replace(/[\n\r]/g, " ");

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

class Scanner {
  readonly #text: string;
  #at: number;
  /** Of the value that was skipped last. */
  #levels = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
    this.#skipSpace();
  }

  /** Calls itself for each field of the path, and leaves the scanner behind the object. */
  find(path: readonly string[], depth: number): JsonPart | undefined {
    const name = path[depth];
    if (name === undefined || this.#code() !== OPEN_OBJECT) return this.#value(path.length === depth);
    let found: JsonPart | undefined;
    this.#next();
    while (this.#code() !== CLOSE_OBJECT) {
      const isField = this.#skipKey(name);
      // The colon.
      this.#skipSpace();
      this.#next();
      if (isField) found = this.find(path, depth + 1);
      else this.#skipValue();
      this.#skipComma();
    }
    this.#at += 1;
    return found;
  }

  items(): number[] {
    const starts: number[] = [];
    this.#next();
    while (this.#code() !== CLOSE_LIST) {
      starts.push(this.#at);
      this.#skipValue();
      this.#skipComma();
    }
    return starts;
  }

  #value(isWanted: boolean): JsonPart | undefined {
    const start = this.#at;
    this.#skipValue();
    return isWanted ? { start, end: this.#at, levels: this.#levels } : undefined;
  }

  #code(): number {
    if (this.#at >= this.#text.length) throw new Error("the text is not JSON");
    return this.#text.charCodeAt(this.#at);
  }

  /** Goes over one character and the space behind it. */
  #next(): void {
    this.#at += 1;
    this.#skipSpace();
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) <= SPACE) this.#at += 1;
  }

  #skipComma(): void {
    this.#skipSpace();
    if (this.#code() === COMMA) this.#next();
  }

  /** Goes over a key, and answers whether it is this name. */
  #skipKey(name: string): boolean {
    const start = this.#at + 1;
    this.#skipString();
    const end = this.#at - 1;
    if (end - start === name.length && this.#text.startsWith(name, start)) return true;
    const raw = this.#text.slice(start, end);
    return raw.includes("\\") && JSON.parse(`"${raw}"`) === name;
  }

  #skipString(): void {
    this.#at = endOfString(this.#text, this.#at);
  }

  #skipValue(): void {
    this.#levels = 0;
    const code = this.#code();
    if (code === QUOTE) this.#skipString();
    else if (code === OPEN_OBJECT || code === OPEN_LIST) this.#skipNested();
    else this.#skipWord();
  }

  /** Goes over a number, true, false or null. */
  #skipWord(): void {
    for (; this.#at < this.#text.length; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code <= SPACE || code === COMMA || code === CLOSE_LIST || code === CLOSE_OBJECT) return;
    }
  }

  #skipNested(): void {
    const text = this.#text;
    let at = this.#at;
    let level = 0;
    let levels = 0;
    do {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        at = endOfString(text, at);
        continue;
      }
      if (code === OPEN_OBJECT || code === OPEN_LIST) {
        level += 1;
        if (level > levels) levels = level;
      } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) level -= 1;
      at += 1;
    } while (level > 0 && at < text.length);
    this.#at = at;
    this.#levels = levels;
  }
}

/** A search by the runtime is fast and begins slowly, so the first characters of a string are read one by one. */
const READ_ONE_BY_ONE = 32;

/** The place behind a string that begins at `start`. */
function endOfString(text: string, start: number): number {
  const near = start + READ_ONE_BY_ONE;
  let at = start + 1;
  for (; at < near; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at += 1;
  }
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new Error("the text is not JSON");
    let first = quote;
    while (first > at && text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    if ((quote - first) % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
