/**
 * Patterns of expectations: the part of regular expressions that means the same in RE2 (DuckDB), Python and the kernel,
 * and that a finite automaton decides. A pattern is held against the whole text.
 *
 *   choice    = sequence { "|" sequence }
 *   sequence  = { atom [ "*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}" ] }
 *   atom      = character | "." | "[…]" | "(" choice ")" | "(?:" choice ")" | "\d" "\w" "\s" "\D" "\W" "\S" | escape
 *
 * Classes are of ASCII, "." is all but a line feed. "^" in front and "$" at the end mean what is meant anyway.
 */

/** Code points from the first to the last. */
export type Range = readonly [first: number, last: number];

export type PatternNode =
  | { readonly kind: 'set'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly min: number; readonly max: number | undefined };

/** Says what of a pattern is not supported, and where. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const LAST_CODE_POINT = 0x10ffff;
const MAX_REPEATS = 1000;
const MAX_DEPTH = 50;
const LINE_FEED: Range = [10, 10];
const DIGITS: readonly Range[] = [[48, 57]];
const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  w: [...DIGITS, [65, 90], [95, 95], [97, 122]],
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
};
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12 };

/** @throws PatternError */
export function parsePattern(pattern: string): PatternNode {
  return new Parser(pattern).whole();
}

/** A text for itself. */
export function literalNode(text: string): PatternNode {
  return { kind: 'sequence', items: [...text].map((character) => one(character.codePointAt(0)!)) };
}

/** The pattern as RE2 and Python read it alike, without anchors. */
export function patternText(node: PatternNode): string {
  switch (node.kind) {
    case 'set':
      return setText(node.ranges);
    case 'sequence':
      return node.items.map(patternText).join('');
    case 'choice':
      return `(?:${node.options.map(patternText).join('|')})`;
    case 'repeat':
      return `(?:${patternText(node.item)}){${node.min},${node.max ?? ''}}`;
  }
}

function setText(ranges: readonly Range[]): string {
  const isMost = ranges.at(-1)?.[1] === LAST_CODE_POINT;
  const shown = isMost ? complement(ranges) : ranges;
  const parts = shown.map(([first, last]) =>
    first === last ? characterText(first) : `${characterText(first)}-${characterText(last)}`,
  );
  // Of all characters there is no other.
  return parts.length === 0 ? '[\\s\\S]' : `[${isMost ? '^' : ''}${parts.join('')}]`;
}

function characterText(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  return '\\]^[-'.includes(character) ? `\\${character}` : character;
}

function one(codePoint: number): PatternNode {
  return { kind: 'set', ranges: [[codePoint, codePoint]] };
}

/** How often something is at most in a text of the node, as RE2 counts it. */
function repeatsIn(node: PatternNode): number {
  if (node.kind === 'set') return 1;
  if (node.kind === 'repeat') return Math.max(1, node.max ?? node.min) * repeatsIn(node.item);
  return Math.max(1, ...(node.kind === 'sequence' ? node.items : node.options).map(repeatsIn));
}

/** In order, and without what overlaps or touches. */
function merged(ranges: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = all.at(-1);
    if (before !== undefined && first <= before[1] + 1) all[all.length - 1] = [before[0], Math.max(before[1], last)];
    else all.push([first, last]);
  }
  return all;
}

function complement(ranges: readonly Range[]): Range[] {
  const all: Range[] = [];
  let next = 0;
  for (const [first, last] of merged(ranges)) {
    if (first > next) all.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) all.push([next, LAST_CODE_POINT]);
  return all;
}

class Parser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#characters = [...pattern];
  }

  whole(): PatternNode {
    const isAnchored = this.#take('^');
    const node = this.#choice();
    const isEnded = this.#take('$');
    if (this.#at < this.#characters.length) throw this.#refuse(`"${this.#characters[this.#at]}" has no place here`);
    if (node.kind === 'choice' && (isAnchored || isEnded)) {
      throw new PatternError('put the choices of a pattern with ^ or $ in parentheses: both are of all of them');
    }
    return node;
  }

  #choice(): PatternNode {
    if (++this.#depth > MAX_DEPTH) throw this.#refuse(`more than ${MAX_DEPTH} groups in each other`);
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    this.#depth--;
    return options.length === 1 ? options[0] : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    for (let next = this.#peek; next !== undefined && !'|)$'.includes(next); next = this.#peek) {
      items.push(this.#repeated(this.#atom()));
    }
    return items.length === 1 ? items[0] : { kind: 'sequence', items };
  }

  #repeated(item: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return item;
    const [min, max] = bounds;
    const highest = max ?? min;
    if (highest < min || highest * repeatsIn(item) > MAX_REPEATS) {
      throw this.#refuse(
        `repetitions in each other are at most ${MAX_REPEATS} together, and {n,m} has the lower one first`,
      );
    }
    if ('*+?{'.includes(this.#peek ?? ' ')) throw this.#refuse('a repetition of a repetition');
    return { kind: 'repeat', item, min, max };
  }

  #bounds(): [min: number, max: number | undefined] | undefined {
    if (this.#take('*')) return [0, undefined];
    if (this.#take('+')) return [1, undefined];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return undefined;
    const min = this.#number();
    const max = !this.#take(',') ? min : this.#peek === '}' ? undefined : this.#number();
    if (!this.#take('}')) throw this.#refuse('a repetition is {n}, {n,} or {n,m}');
    return [min, max];
  }

  #number(): number {
    let digits = '';
    while (/^\d$/.test(this.#peek ?? '')) digits += this.#next();
    if (digits === '' || digits.length > 4) throw this.#refuse('a repetition is {n}, {n,} or {n,m}');
    return Number(digits);
  }

  #atom(): PatternNode {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', ranges: this.#set() };
      case '.':
        return { kind: 'set', ranges: complement([LINE_FEED]) };
      case '\\':
        return { kind: 'set', ranges: this.#escape() };
      default:
        if ('*+?{}]^'.includes(character)) throw this.#refuse(`"${character}" for itself is "\\${character}"`);
        return one(character.codePointAt(0)!);
    }
  }

  #group(): PatternNode {
    if (this.#take('?') && !this.#take(':')) throw this.#refuse('of the groups with (? only (?: is supported');
    const node = this.#choice();
    if (!this.#take(')')) throw this.#refuse('a group without its )');
    return node;
  }

  #set(): Range[] {
    const isNegated = this.#take('^');
    const ranges: Range[] = [];
    while (this.#peek !== ']') {
      const first = this.#member();
      const isRange = this.#peek === '-' && this.#characters[this.#at + 1] !== ']';
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#next();
      const last = this.#member();
      const ends = [...first, ...last];
      if (ends.length !== 2 || ends.some(([from, to]) => from !== to) || ends[1][0] < ends[0][0]) {
        throw this.#refuse('a range is of two characters, the lower one first');
      }
      ranges.push([ends[0][0], ends[1][0]]);
    }
    this.#next();
    const all = isNegated ? complement(ranges) : merged(ranges);
    if (all.length === 0) throw this.#refuse('a class without characters');
    return all;
  }

  #member(): readonly Range[] {
    const character = this.#next();
    if (character === '\\') return this.#escape();
    if (character === '[') throw this.#refuse('"[" in a class is "\\["');
    const codePoint = character.codePointAt(0)!;
    return [[codePoint, codePoint]];
  }

  #escape(): readonly Range[] {
    const character = this.#next();
    const known = CLASSES[character.toLowerCase()];
    if (known !== undefined) return character in CLASSES ? known : complement(known);
    const codePoint = ESCAPES[character] ?? character.codePointAt(0)!;
    if (/[A-Za-z0-9]/.test(character) && ESCAPES[character] === undefined) {
      throw this.#refuse(`\\${character} is not supported`);
    }
    return [[codePoint, codePoint]];
  }

  get #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw this.#refuse('it ends too early');
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek !== character) return false;
    this.#at++;
    return true;
  }

  #refuse(why: string): PatternError {
    return new PatternError(`${why} (character ${Math.min(this.#at, this.#characters.length)})`);
  }
}
