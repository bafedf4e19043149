/** A pattern → a deterministic automaton over the bytes of UTF-8, small enough for the kernel's memory. */
import { PatternError, type PatternNode, type Range } from './pattern.js';

/**
 * A state is the index of its first transition: `next[state + classOf[byte]]` is the next state. 0 is the state that
 * nothing leads out of; from `accepting` on states accept.
 */
export interface Automaton {
  /** Of each byte: bytes of a class lead to the same states. */
  readonly classOf: Uint8Array;
  readonly next: Uint16Array;
  readonly start: number;
  readonly accepting: number;
}

/** So that a state fits 16 bits. */
const MAX_TRANSITIONS = 65_536;
const MAX_NFA_STATES = 4000;

/** The same without order: edges are of bytes, or of nothing. */
class Nfa {
  readonly edges: { readonly first: number; readonly last: number; readonly to: number }[][] = [];
  readonly empty: number[][] = [];

  state(): number {
    if (this.edges.length === MAX_NFA_STATES) throw tooLarge();
    this.empty.push([]);
    return this.edges.push([]) - 1;
  }

  /** Adds the node from a state on. @returns the state after it */
  add(node: PatternNode, from: number): number {
    switch (node.kind) {
      case 'set':
        return this.#addSet(node.ranges, from);
      case 'sequence':
        return node.items.reduce((at, item) => this.add(item, at), from);
      case 'choice': {
        const ends = node.options.map((option) => this.add(option, this.#after(from)));
        const end = this.state();
        for (const each of ends) this.empty[each].push(end);
        return end;
      }
      case 'repeat':
        return this.#addRepeat(node, from);
    }
  }

  /** A new state that nothing leads to but an empty edge. */
  #after(from: number): number {
    const to = this.state();
    this.empty[from].push(to);
    return to;
  }

  #addRepeat({ item, min, max }: Extract<PatternNode, { kind: 'repeat' }>, from: number): number {
    let at = from;
    for (let i = 0; i < min; i++) at = this.add(item, at);
    if (max === undefined) {
      const loop = this.#after(at);
      this.empty[this.add(item, loop)].push(loop);
      return this.#after(loop);
    }
    const end = this.state();
    this.empty[at].push(end);
    for (let i = min; i < max; i++) {
      at = this.add(item, at);
      this.empty[at].push(end);
    }
    return end;
  }

  #addSet(ranges: readonly Range[], from: number): number {
    const end = this.state();
    for (const range of ranges) {
      for (const bytes of utf8Ranges(range)) {
        const states = [from, ...bytes.slice(1).map(() => this.state()), end];
        for (const [index, [first, last]] of bytes.entries()) {
          this.edges[states[index]].push({ first, last, to: states[index + 1] });
        }
      }
    }
    return end;
  }
}

/** The first code point of each length in UTF-8, and surrogates, which have none. */
const LENGTHS: readonly Range[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

/** Code points as sequences of ranges of bytes. */
function utf8Ranges([first, last]: Range): Range[][] {
  return LENGTHS.flatMap(([from, to]) => split(Math.max(first, from), Math.min(last, to)));
}

/** Splits where the last bytes are not all of 0x80 to 0xbf; both ends have as many bytes. */
function split(first: number, last: number): Range[][] {
  if (first > last) return [];
  const [from, to] = [utf8(first), utf8(last)];
  for (let bits = 6 * (from.length - 1); bits > 0; bits -= 6) {
    const mask = 2 ** bits - 1;
    if (Math.floor(first / 2 ** bits) === Math.floor(last / 2 ** bits)) continue;
    if ((first & mask) !== 0) return [...split(first, first | mask), ...split((first | mask) + 1, last)];
    if ((last & mask) !== mask) return [...split(first, (last & ~mask) - 1), ...split(last & ~mask, last)];
  }
  return [from.map((byte, index): Range => [byte, to[index]])];
}

function utf8(codePoint: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(codePoint))];
}

function tooLarge(): PatternError {
  return new PatternError('it needs more states than the kernel has room for: lower its {n,m}, or use a length');
}

/** @throws PatternError if it is too large */
export function automatonOf(node: PatternNode): Automaton {
  const nfa = new Nfa();
  const start = nfa.state();
  const end = nfa.add(node, start);
  const { classOf, samples } = byteClasses(nfa);
  // State 0 is of no states: it is dead.
  const sets = [[], closure(nfa, [start])];
  const known = new Map(sets.map((set, index) => [set.join(), index]));
  const rows: number[][] = [];
  for (let at = 0; at < sets.length; at++) {
    if (sets.length * samples.length > MAX_TRANSITIONS) throw tooLarge();
    rows.push(
      samples.map((byte) => {
        const targets = sets[at].flatMap((state) =>
          nfa.edges[state].flatMap(({ first, last, to }) => (first <= byte && byte <= last ? [to] : [])),
        );
        const set = closure(nfa, targets);
        const key = set.join();
        const index = known.get(key) ?? sets.push(set) - 1;
        known.set(key, index);
        return index;
      }),
    );
  }
  const accepts = sets.map((set) => set.includes(end));
  const order = [...sets.keys()].sort((a, b) => Number(accepts[a]) - Number(accepts[b]) || a - b);
  const place = new Map(order.map((state, index) => [state, index * samples.length]));
  return {
    classOf,
    next: Uint16Array.from(order.flatMap((state) => rows[state].map((to) => place.get(to)!))),
    start: place.get(1)!,
    accepting: accepts.filter((accept) => !accept).length * samples.length,
  };
}

/** Whether it accepts a text: what the kernel does. */
export function accepts({ classOf, next, start, accepting }: Automaton, bytes: Uint8Array): boolean {
  let state = start;
  for (const byte of bytes) state = next[state + classOf[byte]];
  return state >= accepting;
}

function closure(nfa: Nfa, states: readonly number[]): number[] {
  const found = new Set(states);
  for (const state of found) for (const to of nfa.empty[state]) found.add(to);
  return [...found].sort((a, b) => a - b);
}

/** Bytes that no edge tells apart, and one of each class. */
function byteClasses(nfa: Nfa): { classOf: Uint8Array; samples: number[] } {
  const starts = new Set([0]);
  for (const { first, last } of nfa.edges.flat()) for (const at of [first, last + 1]) starts.add(at);
  const samples = [...starts].filter((at) => at < 256).sort((a, b) => a - b);
  const classOf = Uint8Array.from({ length: 256 }, (_, byte) => samples.findLastIndex((at) => at <= byte));
  return { classOf, samples };
}
