/** Columns of bytes: base64 → what it stands for, and UUIDs in 16 bytes, the highest first. */
import { COLUMN, KIND, SLOT, SLOTS } from './abi';
import { base64Integer, high as base64High, low as base64Low, sextet } from './base64';
import { dataOf, row, rows, setTextEnd, setUnread, setValid, textEnd } from './block';
import {
  BINARY,
  extendedKind,
  isString,
  keyFrom,
  keyTo,
  locate,
  locateMember,
  memberEnd,
  memberKind,
  memberStart,
  readMember,
  textFrom,
  textTo,
  UUID,
} from './conversion';
import { skipSpace } from './json';
import { hexDigit } from './string';

/** Bytes that texts of base64, or extended JSON of it, stand for. */
export function appendBinary(column: usize, slotIndex: u32, slots: usize): void {
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + ((row + 1) << 2);
  const count = rows;
  let valid: u64 = 0;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    if (kind > KIND.NULL) {
      const isThere = locateBase64(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind);
      const end = isThere ? decodeBase64(to, textFrom, textTo) : 0;
      if (end) {
        to = end;
        valid |= (<u64>1) << i;
      } else setUnread(i, slotIndex);
    }
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, valid);
}

/** Writes the bytes of the base64 at `p` to `to`. @returns their end, 0 if it is not the one way to write them */
function decodeBase64(to: usize, p: usize, end: usize): usize {
  if (((end - p) & 3) != 0) return 0;
  for (; p + 4 < end; p += 4) {
    const group = groupAt(p, 4);
    if (group >> 24 != 0) return 0;
    store<u32>(to, bswap<u32>(group << 8));
    to += 3;
  }
  if (p == end) return to;
  const digits: u32 = load<u8>(end - 1) != 0x3d ? 4 : load<u8>(end - 2) != 0x3d ? 3 : 2;
  const group = groupAt(p, digits);
  // Bits after the last byte are 0.
  if (group >> 24 != 0 || (group & (0xffffff >> (8 * (digits - 1)))) != 0) return 0;
  store<u32>(to, bswap<u32>(group << 8));
  return to + digits - 1;
}

/** 24 bits, the highest first, of the digits at `p`; more if one is none. */
@inline
function groupAt(p: usize, digits: u32): u32 {
  const third = digits > 2 ? sextet(load<u8>(p, 2)) : 0;
  const fourth = digits > 3 ? sextet(load<u8>(p, 3)) : 0;
  const first = sextet(load<u8>(p));
  const second = sextet(load<u8>(p, 1));
  if ((first | second | third | fourth) > 63) return 0xffffffff;
  return (first << 18) | (second << 12) | (third << 6) | fourth;
}

/** A UUID that was read. */
let high: u64 = 0;
let low: u64 = 0;

export function appendUuids(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 16);
  const count = rows;
  let valid: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    high = 0;
    low = 0;
    if (kind > KIND.NULL) {
      if (readUuid(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind)) valid |= (<u64>1) << i;
      else setUnread(i, slotIndex);
    }
    store<u64>(data + (i << 4), bswap<u64>(high));
    store<u64>(data + (i << 4), bswap<u64>(low), 8);
  }
  setValid(column, valid);
}

/** Sets `high` and `low` if the value is a UUID. @returns whether it is one */
function readUuid(start: usize, end: usize, kind: u32): bool {
  if (isString(kind)) {
    locate(start, end, kind);
    return uuidText(textFrom, textTo);
  }
  if (kind != KIND.OBJECT) return false;
  const extended = extendedKind(start);
  if (extended == UUID && isString(memberKind)) {
    locateMember();
    return uuidText(textFrom, textTo);
  }
  return extended == BINARY && subtypeOf() == UUID_SUBTYPE && uuidBytes(textFrom, textTo);
}

/** The base64 of 16 bytes. */
function uuidBytes(p: usize, end: usize): bool {
  // 24 digits are 16 bytes, or too many.
  if (end - p != 24 || !base64Integer(p, end)) return false;
  high = base64High;
  low = base64Low;
  return true;
}

/** 32 hex digits, of any case, with hyphens after the 8th, 12th, 16th and 20th or without. */
function uuidText(p: usize, end: usize): bool {
  const hasHyphens = end - p == 36;
  if (!hasHyphens && end - p != 32) return false;
  let upper: u64 = 0;
  let lower: u64 = 0;
  for (let digits = 0; digits < 32; digits++) {
    if (hasHyphens && digits >= 8 && digits <= 20 && (digits & 3) == 0 && load<u8>(p++) != 0x2d) return false;
    const digit = <u64>hexDigit(load<u8>(p++));
    if (digit > 15) return false;
    upper = (upper << 4) | (lower >> 60);
    lower = (lower << 4) | digit;
  }
  high = upper;
  low = lower;
  return true;
}

/** Sets `textFrom` and `textTo` to base64: a string, or the one in `$binary`. @returns whether it is there */
function locateBase64(start: usize, end: usize, kind: u32): bool {
  if (isString(kind)) {
    locate(start, end, kind);
    return true;
  }
  return kind == KIND.OBJECT && extendedKind(start) == BINARY && subtypeOf() != NO_SUBTYPE;
}

/** Of BSON's binary values; those of 3 have their bytes in an order that the client chose. */
const UUID_SUBTYPE: u32 = 4;
const NO_SUBTYPE: u32 = 256;

/**
 * The subtype in `{"base64":…,"subType":…}`, the value of `$binary`; sets `textFrom` and `textTo` to its base64.
 * @returns NO_SUBTYPE if it is no such object, or has other members
 */
function subtypeOf(): u32 {
  let subtype = NO_SUBTYPE;
  let start: usize = 0;
  let end: usize = 0;
  let kind: u32 = KIND.MISSING;
  if (memberKind != KIND.OBJECT) return NO_SUBTYPE;
  let p = skipSpace(memberStart + 1);
  while (load<u8>(p) == 0x22) {
    p = readMember(p);
    const length = keyTo - keyFrom;
    const word = load<u64>(keyFrom);
    // "base64" and "subType", little endian.
    if (length == 6 && word << 16 == 0x3436657361620000) {
      start = memberStart;
      end = memberEnd;
      kind = memberKind;
    } else if (length == 7 && word << 8 == 0x6570795462757300) {
      locateMember();
      subtype = isString(memberKind) ? subtypeText(textFrom, textTo) : NO_SUBTYPE;
    } else return NO_SUBTYPE;
    if (load<u8>(p) != 0x2c) break;
    p = skipSpace(p + 1);
  }
  if (!isString(kind)) return NO_SUBTYPE;
  locate(start, end, kind);
  return subtype;
}

/** One or two hex digits. */
function subtypeText(p: usize, end: usize): u32 {
  const first = hexDigit(load<u8>(p));
  if (end - p == 1) return first > 15 ? NO_SUBTYPE : first;
  const second = hexDigit(load<u8>(p, 1));
  return end - p != 2 || (first | second) > 15 ? NO_SUBTYPE : (first << 4) | second;
}
