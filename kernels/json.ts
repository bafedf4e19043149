/**
 * JSON values that are not taken apart: the complete grammar of `JSON.parse`, checked byte by byte.
 *
 * A row is followed by a NUL byte, which no rule accepts: nothing here has to look for the end of the row.
 */
import { KIND, MAX_NESTING, NESTING, SLOT, SLOTS } from './abi';
import { digitMask } from './decimal';
import { escaped, failAt, scanString } from './string';

@inline
export function skipSpace(p: usize): usize {
  return load<u8>(p) > 0x20 ? p : skipSpaces(p);
}

function skipSpaces(p: usize): usize {
  while (true) {
    const c: u32 = load<u8>(p);
    if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return p;
    p++;
  }
  return p;
}

@inline
function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

/** The end of the number at `p`, 0 where it is none. */
@inline
export function skipNumber(p: usize): usize {
  const first = p + usize(load<u8>(p) == 0x2d);
  const others = ~digitMask(v128.load(first));
  const whole = ctz<u32>(others);
  // Most have an integer of few digits, maybe a fraction, and nothing else.
  if (whole == 0 || whole > 14 || (whole > 1 && load<u8>(first) == 0x30)) return checkNumber(p);
  let length = whole;
  if (load<u8>(first + length) == 0x2e) {
    const fraction = ctz<u32>(others >> (whole + 1));
    length += fraction + 1;
    if (fraction == 0 || length > 15) return checkNumber(p);
  }
  return (load<u8>(first + length) | 0x20) == 0x65 ? checkNumber(p) : first + length;
}

/** The same for numbers of any form. */
function checkNumber(p: usize): usize {
  if (load<u8>(p) == 0x2d) p++;
  if (load<u8>(p) == 0x30) p++;
  else {
    if (!isDigit(load<u8>(p))) return failAt(p);
    p = skipDigits(p);
  }
  if (load<u8>(p) == 0x2e) {
    p++;
    if (!isDigit(load<u8>(p))) return failAt(p);
    p = skipDigits(p);
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    if (load<u8>(p) == 0x2b || load<u8>(p) == 0x2d) p++;
    if (!isDigit(load<u8>(p))) return failAt(p);
    p = skipDigits(p);
  }
  return p;
}

@inline
function skipDigits(p: usize): usize {
  do p++;
  while (isDigit(load<u8>(p)));
  return p;
}

/** The end of `null`, `true` or `false` at `p`, 0 where it is none. */
function skipLiteral(p: usize): usize {
  const word = load<u32>(p);
  if (word == 0x6c6c756e || word == 0x65757274) return p + 4;
  if (word == 0x736c6166 && load<u8>(p, 4) == 0x65) return p + 5;
  const c: u32 = load<u8>(p);
  const expected: u32 = c == 0x6e ? 0x6c6c756e : c == 0x74 ? 0x65757274 : c == 0x66 ? 0x736c6166 : 0;
  if (expected == 0) return failAt(p);
  const same: u32 = ctz(word ^ expected) >> 3;
  return failAt(p + (word == expected ? 4 : same));
}

/** What kind of value starts with byte `c`; only right where the value is valid. */
@inline
export function kindOf(c: u32): u32 {
  if (c == 0x22) return KIND.STRING;
  if (c == 0x7b) return KIND.OBJECT;
  if (c == 0x5b) return KIND.ARRAY;
  if (c == 0x6e) return KIND.NULL;
  if (c == 0x74) return KIND.TRUE;
  if (c == 0x66) return KIND.FALSE;
  return KIND.NUMBER;
}

/** Whether a value that starts with byte `c` is neither an object nor an array. */
@inline
export function startsScalar(c: u32): bool {
  // '{' and '[' differ in one bit.
  return (c | 0x20) != 0x7b;
}

/** Notes a value in the slot that a column has for a row of the block. */
@inline
export function setSlot(slots: usize, row: usize, start: usize, end: usize, kind: u32): void {
  const slot = slots + row * SLOT.size;
  store<u32>(slot, <u32>start, SLOT.start);
  store<u32>(slot, <u32>end, SLOT.end);
  store<u8>(slots + row, kind, SLOTS.kinds);
}

/** Notes the scalar at `p` in a slot. @returns its end, 0 where it is none */
@inline
export function readScalar(p: usize, slots: usize, row: usize): usize {
  const c: u32 = load<u8>(p);
  if (c == 0x22) {
    const end = scanString(p + 1);
    if (end == 0) return 0;
    setSlot(slots, row, p + 1, end, escaped ? KIND.ESCAPED : KIND.STRING);
    return end + 1;
  }
  const isNumber = isDigit(c) || c == 0x2d;
  const end = isNumber ? skipNumber(p) : skipLiteral(p);
  setSlot(slots, row, p, end, isNumber ? KIND.NUMBER : kindOf(c));
  return end;
}

/** From the quote of a key to the first byte of its value, 0 where either is not there. */
@inline
function skipKey(p: usize): usize {
  if (load<u8>(p) != 0x22) return failAt(p);
  p = scanString(p + 1);
  if (p == 0) return 0;
  p = skipSpace(p + 1);
  if (load<u8>(p) != 0x3a) return failAt(p);
  return skipSpace(p + 1);
}

/**
 * The end of the value at `p`, 0 where it is none.
 * @param depth containers that are open around it
 */
export function skipValue(p: usize, depth: u32): usize {
  const top = NESTING + depth;
  let nest = top;
  let inObject: u32 = 0;
  while (true) {
    const c: u32 = load<u8>(p);
    if (c == 0x22) {
      p = scanString(p + 1);
      if (p == 0) return 0;
      p++;
    } else if (isDigit(c) || c == 0x2d) {
      p = skipNumber(p);
      if (p == 0) return 0;
    } else if (c == 0x7b || c == 0x5b) {
      if (nest - NESTING >= MAX_NESTING) return failAt(p);
      store<u8>(nest++, inObject);
      inObject = u32(c == 0x7b);
      p = skipSpace(p + 1);
      // '{' and '[' are followed by '}' and ']' two places on.
      if (load<u8>(p) != c + 2) {
        if (inObject) {
          p = skipKey(p);
          if (p == 0) return 0;
        }
        continue;
      }
      p++;
      inObject = load<u8>(--nest);
    } else {
      p = skipLiteral(p);
      if (p == 0) return 0;
    }
    while (true) {
      if (nest == top) return p;
      p = skipSpace(p);
      const d: u32 = load<u8>(p);
      if (d == 0x2c) {
        p = skipSpace(p + 1);
        if (inObject) {
          p = skipKey(p);
          if (p == 0) return 0;
        }
        break;
      }
      if (d != (inObject ? 0x7d : 0x5d)) return failAt(p);
      p++;
      inObject = load<u8>(--nest);
    }
  }
  return 0;
}
