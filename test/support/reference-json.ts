/**
 * The source text of JSON: where each value stands, and where a text stops being JSON.
 *
 * Works on bytes in the form of a latin1 string (one character per byte), so that all positions are those of bytes.
 */

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

export interface JsonNode {
  readonly kind: JsonKind;
  /** What `start` and `end` are places of: the message, or JSON that is embedded in it. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Of an object, in the order they came; none of other values. */
  readonly members: readonly JsonMember[];
}

export interface JsonMember {
  /** Decoded. */
  readonly key: string;
  /** With its quotes. */
  readonly keySource: string;
  readonly value: JsonNode;
}

/** Which members of an object are strings that hold JSON, and in which there are such strings. */
export interface Embedding {
  readonly isEmbedded: boolean;
  member(name: string): Embedding | undefined;
}

/** The text is not JSON: `position` is the first byte with which no JSON text can continue. */
export class NotJson {
  constructor(
    readonly position: number,
    /** It would be JSON if our limit were not. */
    readonly tooDeep = false,
    /** It is in a string that has to hold JSON. */
    readonly isEmbedded = false,
  ) {}
}

const MAX_DEPTH = 1024;
const SPACES = /[ \t\n\r]*/y;
const PLAIN = /[\x20\x21\x23-\x5b\x5d-\x7f]+/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const UTF8 = new RegExp(
  [
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
    '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}',
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
    '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
    '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}',
  ].join('|'),
  'y',
);
/** What of an escape or a character there can be before the byte that breaks it. */
const BEGUN = new RegExp(
  [
    '\\\\u[0-9a-fA-F]{0,3}',
    '\\\\',
    '[\\xc2-\\xdf]',
    '\\xe0[\\xa0-\\xbf]?',
    '[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]?',
    '\\xed[\\x80-\\x9f]?',
    '\\xf0(?:[\\x90-\\xbf][\\x80-\\xbf]?)?',
    '[\\xf1-\\xf3][\\x80-\\xbf]{0,2}',
    '\\xf4(?:[\\x80-\\x8f][\\x80-\\xbf]?)?',
  ].join('|'),
  'y',
);
const PLAIN_KEY = /^"[\x20\x21\x23-\x5b\x5d-\x7f]*"$/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BEGUN_NUMBER = /-?(?:(?:0|[1-9]\d*)(?:\.(?:\d+(?:[eE][+-]?\d*)?)?|[eE][+-]?\d*)?)?/y;

/**
 * Takes a JSON text apart.
 * @param bytes as latin1
 * @param embedding of strings that are taken apart as well, as if their content were in their place
 * @throws NotJson
 */
export function scanJson(bytes: string, embedding?: Embedding): JsonNode {
  const scanner = new Scanner(bytes);
  const node = scanner.value(0, embedding);
  scanner.spaces();
  if (scanner.at < bytes.length) throw new NotJson(scanner.at);
  return node;
}

/** The JSON in a string; a failure is at the byte of the string that the byte to blame was written as. */
function scanEmbedded(string: string, stringStart: number, embedding: Embedding): JsonNode {
  const content = Buffer.from(JSON.parse(utf8(string))).toString('latin1');
  try {
    // A string in the string is none of JSON.
    return scanJson(content, { isEmbedded: false, member: (name) => embedding.member(name) });
  } catch (thrown) {
    if (!(thrown instanceof NotJson)) throw thrown;
    if (!thrown.tooDeep && !thrown.isEmbedded && isJson(content)) throw new Error(`JSON.parse takes ${content}`);
    throw new NotJson(stringStart + placesIn(string)[thrown.position], thrown.tooDeep, true);
  }
}

const CHARACTER = /\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|./gs;

/** Where in a string each byte of its content is, and at last the closing quote. */
function placesIn(string: string): number[] {
  const places: number[] = [];
  for (const { 0: character, index } of string.slice(1, -1).matchAll(CHARACTER)) {
    const bytes = character.length === 1 ? 1 : Buffer.byteLength(JSON.parse(`"${character}"`));
    for (let i = 0; i < bytes; i++) places.push(index + 1);
  }
  return [...places, string.length - 1];
}

function isJson(bytes: string): boolean {
  try {
    JSON.parse(utf8(bytes));
    return true;
  } catch {
    return false;
  }
}

class Scanner {
  at = 0;

  constructor(readonly bytes: string) {}

  value(depth: number, embedding?: Embedding): JsonNode {
    this.spaces();
    const start = this.at;
    const first = this.bytes[start];
    let members: JsonMember[] = [];
    let kind: JsonKind;
    if (first === '{' || first === '[') {
      if (depth === MAX_DEPTH) throw new NotJson(start, true);
      kind = first === '{' ? 'object' : 'array';
      members = first === '{' ? this.object(depth, embedding) : this.array(depth);
    } else if (first === '"') {
      kind = 'string';
      this.string();
      if (embedding?.isEmbedded) return scanEmbedded(this.bytes.slice(start, this.at), start, embedding);
    } else if (first === 't' || first === 'f' || first === 'n') {
      kind = first === 't' ? 'true' : first === 'f' ? 'false' : 'null';
      for (const letter of kind) this.expect(letter);
    } else {
      kind = 'number';
      this.number();
    }
    return { kind, text: this.bytes, start, end: this.at, members };
  }

  object(depth: number, embedding?: Embedding): JsonMember[] {
    const members: JsonMember[] = [];
    this.expect('{');
    this.spaces();
    if (this.take('}')) return members;
    do {
      this.spaces();
      const keyStart = this.at;
      this.string();
      const keySource = this.bytes.slice(keyStart, this.at);
      this.spaces();
      this.expect(':');
      const key = keyOf(keySource);
      const value = this.value(depth + 1, embedding?.member(key));
      members.push({ key, keySource, value });
      this.spaces();
    } while (this.take(','));
    this.expect('}');
    return members;
  }

  array(depth: number): [] {
    this.expect('[');
    this.spaces();
    if (this.take(']')) return [];
    do {
      this.value(depth + 1);
      this.spaces();
    } while (this.take(','));
    this.expect(']');
    return [];
  }

  string(): void {
    this.expect('"');
    while (this.match(PLAIN) || this.match(ESCAPE) || this.match(UTF8));
    if (this.take('"')) return;
    this.match(BEGUN);
    throw new NotJson(this.at);
  }

  number(): void {
    BEGUN_NUMBER.lastIndex = this.at;
    const begun = this.at + BEGUN_NUMBER.exec(this.bytes)![0].length;
    if (!this.match(NUMBER) || this.at < begun) throw new NotJson(begun);
  }

  spaces(): void {
    this.match(SPACES);
  }

  /** Moves past what the sticky pattern matches here; false if that is nothing. */
  match(pattern: RegExp): boolean {
    const start = this.at;
    pattern.lastIndex = start;
    if (pattern.test(this.bytes)) this.at = pattern.lastIndex;
    return this.at > start;
  }

  take(character: string): boolean {
    if (this.bytes[this.at] !== character) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) throw new NotJson(this.at);
  }
}

function keyOf(source: string): string {
  return PLAIN_KEY.test(source) ? source.slice(1, -1) : JSON.parse(utf8(source));
}

/** Latin1 bytes as the text that they are in UTF-8. */
export function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/** The text of a value in its source. */
export function sourceOf({ text, start, end }: JsonNode): string {
  return utf8(text.slice(start, end));
}
