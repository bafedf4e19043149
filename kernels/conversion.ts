/** Values in slots → numbers, and the text of ids: a JSON number, text, or extended JSON of either. */
import { HEADER, KIND, SLOT, SLOTS } from './abi';
import { amountText } from './amount';
import { base64Amount } from './base64';
import { plainDecimal, refuse } from './decimal';
import { doubleText } from './double';
import { integerValue, isInteger } from './integer';
import { kindOf, setSlot, skipSpace, skipValue } from './json';
import { decodeString, escaped, hexDigit, scanString } from './string';
import { epochText, MILLISECOND, timestampText } from './timestamp';
import { wideBase64, wideText } from './wide';

/** Where the text of a value is, decoded if need be. */
export let textFrom: usize = 0;
export let textTo: usize = 0;

/** Sets `textFrom` and `textTo`. */
@inline
export function locate(start: usize, end: usize, kind: u32): void {
  textFrom = start;
  textTo = end;
  if (kind == KIND.ESCAPED) {
    textFrom = load<u32>(HEADER.scratch);
    textTo = decodeString(textFrom, start, end);
  }
}

/** Keys of extended JSON: `$number…`, `$date`, `$oid`, `$binary` and `$uuid`. */
const NOT_EXTENDED: u32 = 0;
const NUMBER_DECIMAL: u32 = 1;
const NUMBER_DOUBLE: u32 = 2;
const NUMBER_LONG: u32 = 3;
const NUMBER_INT: u32 = 4;
const DATE: u32 = 5;
const OBJECT_ID: u32 = 6;
export const BINARY: u32 = 7;
export const UUID: u32 = 8;

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
  if (length == 4 && <u32>head == 0x64696f24) return OBJECT_ID;
  if (length == 7 && head << 8 == 0x7972616e69622400) return BINARY;
  if (length == 5 && head << 24 == 0x6469757524000000) return UUID;
  return length == 5 && head << 24 == 0x6574616424000000 ? DATE : NOT_EXTENDED;
}

/** The value of the extended JSON that was looked at last; a string is without its quotes. */
export let memberStart: usize = 0;
export let memberEnd: usize = 0;
export let memberKind: u32 = 0;

@inline
export function isString(kind: u32): bool {
  return kind == KIND.STRING || kind == KIND.ESCAPED;
}

/** Its key, decoded. */
export let keyFrom: usize = 0;
export let keyTo: usize = 0;

/** Sets `key…` and `member…` to the member at `p` of a valid object. @returns what is after it */
export function readMember(p: usize): usize {
  keyFrom = p + 1;
  keyTo = scanString(keyFrom);
  p = skipSpace(skipSpace(keyTo + 1) + 1);
  if (escaped) {
    const scratch = <usize>load<u32>(HEADER.scratch);
    keyTo = decodeString(scratch, keyFrom, keyTo);
    keyFrom = scratch;
  }
  return skipSpace(readValue(p));
}

/** Sets `member…` to the valid value at `p`. @returns its end */
function readValue(p: usize): usize {
  memberKind = kindOf(load<u8>(p));
  if (memberKind != KIND.STRING) {
    memberStart = p;
    memberEnd = skipValue(p, 1);
    return memberEnd;
  }
  memberStart = p + 1;
  memberEnd = scanString(memberStart);
  if (escaped) memberKind = KIND.ESCAPED;
  return memberEnd + 1;
}

/**
 * Which extended JSON the valid object at `p` is; its value is then in `member…`. It has no other key, but may have
 * that one twice: the last wins, as everywhere.
 */
export function extendedKind(p: usize): u32 {
  let kind = NOT_EXTENDED;
  p = skipSpace(p + 1);
  while (load<u8>(p) == 0x22) {
    p = readMember(p);
    const found = extendedKey(keyFrom, keyTo - keyFrom);
    if (found == NOT_EXTENDED || (kind != NOT_EXTENDED && found != kind)) return NOT_EXTENDED;
    kind = found;
    if (load<u8>(p) != 0x2c) break;
    p = skipSpace(p + 1);
  }
  return kind;
}

/** Sets `textFrom` and `textTo` to the value of extended JSON. */
export function locateMember(): void {
  locate(memberStart, memberEnd, memberKind);
}

@inline
function isNumber(extended: u32): bool {
  return extended - NUMBER_DECIMAL <= NUMBER_INT - NUMBER_DECIMAL;
}

/**
 * Makes the slot of a row, in which there is no string, that of the text that the value stands for, if it does: the
 * digits of an ObjectId, and in a column of ids an integer.
 * @returns whether it stands for a text
 */
export function standsForText(slots: usize, row: usize, isId: bool): bool {
  const slot = slots + row * SLOT.size;
  const start = <usize>load<u32>(slot, SLOT.start);
  const kind: u32 = load<u8>(slots + row, SLOTS.kinds);
  if (kind == KIND.NUMBER) return isId && isInteger(start, <usize>load<u32>(slot, SLOT.end));
  if (kind != KIND.OBJECT) return false;
  const extended = extendedKind(start);
  if (extended == NOT_EXTENDED || !isString(memberKind)) return false;
  locateMember();
  const isText =
    extended == OBJECT_ID
      ? isObjectId(textFrom, textTo)
      : isId && (extended == NUMBER_LONG || extended == NUMBER_INT) && isInteger(textFrom, textTo);
  if (isText) setSlot(slots, row, memberStart, memberEnd, memberKind);
  return isText;
}

/** Whether the text is 24 hex digits. */
function isObjectId(p: usize, end: usize): bool {
  if (end - p != 24) return false;
  for (; p < end; p++) if (hexDigit(load<u8>(p)) > 15) return false;
  return true;
}

/** An amount scaled by 10^4; sets `converted` and, if it is one, `exact`. */
export function amountOf(start: usize, end: usize, kind: u32): i64 {
  if (kind == KIND.NUMBER) return plainDecimal(start, end, false);
  if (isString(kind)) {
    locate(start, end, kind);
    return amountText(textFrom, textTo);
  }
  if (kind == KIND.OBJECT) {
    const extended = extendedKind(start);
    if (isNumber(extended) && (isString(memberKind) || memberKind == KIND.NUMBER)) {
      locateMember();
      return plainDecimal(textFrom, textTo, true);
    }
  }
  return refuse();
}

/** The same of a string that has the bytes of an integer. @param scale its decimals */
export function bytesAmount(start: usize, end: usize, kind: u32, scale: i64): i64 {
  locate(start, end, kind);
  return base64Amount(textFrom, textTo, scale);
}

/** Microseconds since the epoch; sets `timestampConverted`. @param unit of integers, as of `epochText` */
export function timestampOf(start: usize, end: usize, kind: u32, unit: i64): i64 {
  if (kind == KIND.STRING) return timestampText(start, end);
  if (kind == KIND.NUMBER) return epochText(start, end, unit);
  if (kind == KIND.ESCAPED) {
    locate(start, end, kind);
    return timestampText(textFrom, textTo);
  }
  if (kind == KIND.OBJECT && extendedKind(start) == DATE) {
    if (memberKind == KIND.NUMBER) return epochText(memberStart, memberEnd, MILLISECOND);
    if (isString(memberKind)) {
      locateMember();
      return timestampText(textFrom, textTo);
    }
    if (memberKind == KIND.OBJECT && extendedKind(memberStart) == NUMBER_LONG && isString(memberKind)) {
      locateMember();
      return epochText(textFrom, textTo, MILLISECOND);
    }
  }
  return timestampText(start, start);
}

/** An integer; sets `converted`. */
export function integerOf(start: usize, end: usize, kind: u32): i64 {
  if (kind == KIND.NUMBER || isString(kind)) {
    locate(start, end, kind);
    return integerValue(textFrom, textTo);
  }
  if (kind == KIND.OBJECT && isNumber(extendedKind(start)) && isString(memberKind)) {
    locateMember();
    return integerValue(textFrom, textTo);
  }
  return refuse();
}

/** Whether the value is extended JSON of a number, which is then in `member…`. */
function isNumberInObject(start: usize, kind: u32): bool {
  return kind == KIND.OBJECT && isNumber(extendedKind(start)) && (isString(memberKind) || memberKind == KIND.NUMBER);
}

/** A double; sets `converted`. */
export function doubleOf(start: usize, end: usize, kind: u32): f64 {
  if (kind == KIND.NUMBER || isString(kind)) {
    locate(start, end, kind);
    return doubleText(textFrom, textTo);
  }
  if (isNumberInObject(start, kind)) {
    locateMember();
    return doubleText(textFrom, textTo);
  }
  refuse();
  return 0;
}

/** A decimal, in `high` and `low` of wide.ts; sets `converted`. @param scale decimals of its column */
export function readWide(start: usize, end: usize, kind: u32, isBase64: bool, scale: i64): void {
  if (kind == KIND.NUMBER) wideText(start, end, false, scale);
  else if (isString(kind)) {
    locate(start, end, kind);
    if (isBase64) wideBase64(textFrom, textTo);
    else wideText(textFrom, textTo, true, scale);
  } else if (isNumberInObject(start, kind)) {
    locateMember();
    wideText(textFrom, textTo, true, scale);
  } else refuse();
}
