/** Values in slots → numbers: a JSON number, text, or extended JSON of either. */
import { amountText } from './amount';
import { integerText, plainDecimal, refuse } from './decimal';
import { kindOf, skipSpace, skipValue } from './json';
import { K_ESCAPED, K_NUMBER, K_OBJECT, K_STRING, SCRATCH } from './layout';
import { decodeString, escaped, scanString } from './string';
import { millisecondText, timestampText } from './timestamp';

/** Where the text of a value is, decoded if need be. */
export let textFrom: usize = 0;
export let textTo: usize = 0;

/** Sets `textFrom` and `textTo`. */
@inline
export function locate(start: usize, end: usize, kind: u32): void {
  textFrom = start;
  textTo = end;
  if (kind == K_ESCAPED) {
    textFrom = load<u32>(SCRATCH);
    textTo = decodeString(textFrom, start, end);
  }
}

/** Keys of extended JSON: `$number…` and `$date`. */
const NOT_EXTENDED: u32 = 0;
const NUMBER_DECIMAL: u32 = 1;
const NUMBER_DOUBLE: u32 = 2;
const NUMBER_LONG: u32 = 3;
const NUMBER_INT: u32 = 4;
const DATE: u32 = 5;

function extendedKey(key: usize, length: usize): u32 {
  const head = load<u64>(key);
  const tail = load<u64>(key, 8);
  // "$numberD", "$numberL", "$numberI" and what follows in up to eight bytes, little endian.
  if (head == 0x447265626d756e24) {
    if (length == 14 && tail << 16 == 0x6c616d6963650000) return NUMBER_DECIMAL;
    if (length == 13 && tail << 24 == 0x656c62756f000000) return NUMBER_DOUBLE;
  }
  if (length == 11 && head == 0x4c7265626d756e24 && tail << 40 == 0x676e6f0000000000) return NUMBER_LONG;
  if (length == 10 && head == 0x497265626d756e24 && tail << 48 == 0x746e000000000000) return NUMBER_INT;
  return length == 5 && head << 24 == 0x6574616424000000 ? DATE : NOT_EXTENDED;
}

/** The value of the extended JSON that was looked at last; a string is without its quotes. */
let memberStart: usize = 0;
let memberEnd: usize = 0;
let memberKind: u32 = 0;

@inline
function isString(kind: u32): bool {
  return kind == K_STRING || kind == K_ESCAPED;
}

/** Notes the valid value at `p`. @returns its end */
function readMember(p: usize): usize {
  memberKind = kindOf(load<u8>(p));
  if (memberKind != K_STRING) {
    memberStart = p;
    memberEnd = skipValue(p, 1);
    return memberEnd;
  }
  memberStart = p + 1;
  memberEnd = scanString(memberStart);
  if (escaped) memberKind = K_ESCAPED;
  return memberEnd + 1;
}

/**
 * Which extended JSON the valid object at `p` is; its value is then in `member…`. It has no other key, but may have
 * that one twice: the last wins, as everywhere.
 */
function extendedKind(p: usize): u32 {
  let kind = NOT_EXTENDED;
  p = skipSpace(p + 1);
  while (load<u8>(p) == 0x22) {
    let key = p + 1;
    let keyEnd = scanString(key);
    p = skipSpace(skipSpace(keyEnd + 1) + 1);
    if (escaped) {
      const scratch = <usize>load<u32>(SCRATCH);
      keyEnd = decodeString(scratch, key, keyEnd);
      key = scratch;
    }
    const found = extendedKey(key, keyEnd - key);
    if (found == NOT_EXTENDED || (kind != NOT_EXTENDED && found != kind)) return NOT_EXTENDED;
    kind = found;
    p = skipSpace(readMember(p));
    if (load<u8>(p) != 0x2c) break;
    p = skipSpace(p + 1);
  }
  return kind;
}

/** Sets `textFrom` and `textTo` to the value of extended JSON. */
function locateMember(): void {
  locate(memberStart, memberEnd, memberKind);
}

/** An amount scaled by 10^4; sets `converted`. */
export function amountOf(start: usize, end: usize, kind: u32): i64 {
  if (kind == K_NUMBER) return plainDecimal(start, end, false);
  if (isString(kind)) {
    locate(start, end, kind);
    return amountText(textFrom, textTo);
  }
  if (kind == K_OBJECT) {
    const extended = extendedKind(start);
    if (extended != NOT_EXTENDED && extended != DATE && (isString(memberKind) || memberKind == K_NUMBER)) {
      locateMember();
      return plainDecimal(textFrom, textTo, true);
    }
  }
  return refuse();
}

/** Microseconds since the epoch; sets `timestampConverted`. */
export function timestampOf(start: usize, end: usize, kind: u32): i64 {
  if (kind == K_STRING) return timestampText(start, end);
  if (kind == K_NUMBER) return millisecondText(start, end);
  if (kind == K_ESCAPED) {
    locate(start, end, kind);
    return timestampText(textFrom, textTo);
  }
  if (kind == K_OBJECT && extendedKind(start) == DATE) {
    if (memberKind == K_NUMBER) return millisecondText(memberStart, memberEnd);
    if (isString(memberKind)) {
      locateMember();
      return timestampText(textFrom, textTo);
    }
    if (memberKind == K_OBJECT && extendedKind(memberStart) == NUMBER_LONG && isString(memberKind)) {
      locateMember();
      return millisecondText(textFrom, textTo);
    }
  }
  return timestampText(start, start);
}

/** An integer; sets `converted`. */
export function integerOf(start: usize, end: usize, kind: u32): i64 {
  if (kind == K_NUMBER || isString(kind)) {
    locate(start, end, kind);
    return integerText(textFrom, textTo);
  }
  if (kind == K_OBJECT) {
    const extended = extendedKind(start);
    if ((extended == NUMBER_LONG || extended == NUMBER_INT) && isString(memberKind)) {
      locateMember();
      return integerText(textFrom, textTo);
    }
  }
  return refuse();
}
