/** Amount text: spaces, one sign, one currency and the digits in any of the documented ways to group them. */
import {
  fractionDigit,
  integerDigit,
  isDigit,
  NOT_SHORT,
  readAs,
  refuse,
  scaled,
  shortGrouped,
  startDigits,
  unsignedPlain,
} from './decimal';

/** Bytes of the space at `p` (U+0020, U+00A0, U+202F), else 0. */
function spaceAt(p: usize, end: usize): usize {
  if (p >= end) return 0;
  const c: u32 = load<u8>(p);
  if (c == 0x20) return 1;
  if (c == 0xc2 && p + 1 < end && load<u8>(p, 1) == 0xa0) return 2;
  if (c == 0xe2 && p + 2 < end && load<u16>(p, 1) == 0xaf80) return 3;
  return 0;
}

/** Bytes of the space that ends at `end`, else 0. */
function spaceBefore(p: usize, end: usize): usize {
  if (end > p && load<u8>(end - 1) == 0x20) return 1;
  if (end > p + 1 && load<u16>(end - 2) == 0xa0c2) return 2;
  if (end > p + 2 && load<u8>(end - 3) == 0xe2 && load<u16>(end - 2) == 0xaf80) return 3;
  return 0;
}

/** Bytes of the sign at `p` (+, -, U+2212), else 0. */
function signAt(p: usize, end: usize): usize {
  if (p >= end) return 0;
  const c: u32 = load<u8>(p);
  if (c == 0x2b || c == 0x2d) return 1;
  return c == 0xe2 && p + 2 < end && load<u16>(p, 1) == 0x9288 ? 3 : 0;
}

@inline
function isUpper(c: u32): bool {
  return c - 0x41 < 26;
}

/** Bytes of the currency at `p` ($ € £ ¥ ₹ or three upper-case letters), else 0. */
function currencyAt(p: usize, end: usize): usize {
  if (p >= end) return 0;
  const c: u32 = load<u8>(p);
  if (c == 0x24) return 1;
  if (c == 0xc2 && p + 1 < end && (load<u8>(p, 1) == 0xa3 || load<u8>(p, 1) == 0xa5)) return 2;
  if (c == 0xe2 && p + 2 < end && (load<u16>(p, 1) == 0xac82 || load<u16>(p, 1) == 0xb982)) return 3;
  return p + 2 < end && isUpper(c) && isUpper(load<u8>(p, 1)) && isUpper(load<u8>(p, 2)) ? 3 : 0;
}

/** Bytes of the currency that ends at `end`, else 0. */
function currencyBefore(p: usize, end: usize): usize {
  for (let length: usize = 1; length <= 3; length++) {
    if (end >= p + length && currencyAt(end - length, end) == length) return length;
  }
  return 0;
}

/** A space and U+20AC as four bytes, little endian. */
const SPACE_EURO: u32 = 0xac82e220;

/** The most common forms in one go: short decimals, after `$` or before ` €`; else NOT_SHORT. */
@inline
export function shortAmount(p: usize, end: usize): i64 {
  const dollar = usize(load<u8>(p) == 0x24);
  const euro = usize(load<u32>(end - 4) == SPACE_EURO) & (dollar ^ 1);
  return shortGrouped(p + dollar, end - (euro << 2));
}

/** The end of the text without its currency and the space before that. */
function beforeCurrency(p: usize, end: usize): usize {
  const currency = currencyBefore(p, end);
  end -= currency;
  return currency ? end - spaceBefore(p, end) : end;
}

/** Amount text in any of the documented forms; sets `converted`. */
export function amountText(p: usize, end: usize): i64 {
  // Short ones before any other currency.
  const short = end > p ? shortGrouped(p, beforeCurrency(p, end)) : NOT_SHORT;
  if (short != NOT_SHORT) return readAs(short);
  for (let n = spaceAt(p, end); n; n = spaceAt(p, end)) p += n;
  for (let n = spaceBefore(p, end); n; n = spaceBefore(p, end)) end -= n;
  if (p + 1 < end && load<u8>(p) == 0x28 && load<u8>(end - 1) == 0x29) return amountInside(p + 1, end - 1, true);
  return amountInside(p, end, false);
}

/** One sign and one currency around the digits. In parentheses, which are a sign already, there is no other. */
function amountInside(p: usize, end: usize, parenthesised: bool): i64 {
  let sign = signAt(p, end);
  let negative = parenthesised;
  if (sign) {
    negative = load<u8>(p) != 0x2b;
    p += sign;
  }
  const currency = currencyAt(p, end);
  if (currency) {
    p += currency;
    p += spaceAt(p, end);
    const inner = signAt(p, end);
    if (inner) {
      if (sign) return refuse();
      sign = inner;
      negative = load<u8>(p) != 0x2b;
      p += inner;
    }
  } else end = beforeCurrency(p, end);
  if (sign && parenthesised) return refuse();
  return groupedDecimal(p, end, negative);
}

/** Kinds of separators; the values of the spaces are told apart so that one number uses one kind. */
const COMMA: u32 = 1;
const DOT: u32 = 2;
const APOSTROPHE: u32 = 3;
const RIGHT_QUOTE: u32 = 4;
const SPACE: u32 = 5;
const NO_BREAK_SPACE: u32 = 6;
const NARROW_SPACE: u32 = 7;

let separatorLength: usize = 0;

/** The kind of the separator at `p`, 0 if it is none; sets `separatorLength`. */
function separatorAt(p: usize, end: usize): u32 {
  const c: u32 = load<u8>(p);
  separatorLength = 1;
  if (c == 0x2c) return COMMA;
  if (c == 0x2e) return DOT;
  if (c == 0x27) return APOSTROPHE;
  if (c == 0x20) return SPACE;
  separatorLength = 2;
  if (c == 0xc2 && p + 1 < end && load<u8>(p, 1) == 0xa0) return NO_BREAK_SPACE;
  separatorLength = 3;
  if (c == 0xe2 && p + 2 < end) {
    if (load<u16>(p, 1) == 0x9980) return RIGHT_QUOTE;
    if (load<u16>(p, 1) == 0xaf80) return NARROW_SPACE;
  }
  return 0;
}

/**
 * The digits of an amount. What the separators mean follows from all of them together, so they are looked at first:
 * the last one is decimal if it differs from those before it, or if it stands alone in a place that says so.
 */
function groupedDecimal(p: usize, end: usize, negative: bool): i64 {
  let separators = 0;
  let groupKind: u32 = 0;
  let lastKind: u32 = 0;
  let lastAt: usize = 0;
  let firstLength: usize = 0;
  let length: usize = 0;
  let groupsOfThree = true;
  let oneKind = true;
  for (let q = p; q < end; ) {
    if (isDigit(load<u8>(q))) {
      q++;
      length++;
      continue;
    }
    const kind = separatorAt(q, end);
    if (kind == 0) return unsignedPlain(p, end, negative);
    // The group that ends here was not the last one: it must be whole, and of the kind of all others.
    if (separators == 0) firstLength = length;
    else {
      groupsOfThree = groupsOfThree && length == 3;
      if (separators > 1) oneKind = oneKind && lastKind == groupKind;
      else groupKind = lastKind;
    }
    separators++;
    lastKind = kind;
    lastAt = q;
    q += separatorLength;
    length = 0;
  }
  if (separators == 0 || (separators == 1 && lastKind == DOT)) return unsignedPlain(p, end, negative);
  if (firstLength == 0) return refuse();
  if (separators == 1) {
    if (lastKind == COMMA && (length == 1 || length == 2)) return separated(p, end, lastAt, negative);
    return length == 3 && firstLength <= 3 ? separated(p, end, end, negative) : refuse();
  }
  if (firstLength > 3 || !groupsOfThree || !oneKind) return refuse();
  if (lastKind == groupKind) return length == 3 ? separated(p, end, end, negative) : refuse();
  if (length == 0 || (lastKind != COMMA && lastKind != DOT)) return refuse();
  return separated(p, end, lastAt, negative);
}

/** Digits with separators between, which were checked; from `decimal` on they are the fraction. */
function separated(p: usize, end: usize, decimal: usize, negative: bool): i64 {
  startDigits();
  for (let q = p; q < end; q++) {
    const digit: u32 = load<u8>(q) - 0x30;
    if (digit > 9) continue;
    if (q < decimal) integerDigit(digit);
    else fractionDigit(digit);
  }
  return scaled(negative);
}
