/** Values in slots → numbers: a JSON number, text, or extended JSON of either. */
import { amountText } from './amount';
import { integerText, plainDecimal, refuse } from './decimal';
import { K_NUMBER, K_OBJECT, K_STRING, SCRATCH } from './layout';
import {
  memberEscaped,
  memberKey,
  memberKeyEnd,
  memberKind,
  memberValue,
  memberValueEnd,
  readSoleMember,
} from './row';
import { decodeString } from './string';
import { millisecondText, timestampText } from './timestamp';

/** Where the text of a value is, decoded if need be. */
export let textFrom: usize = 0;
export let textTo: usize = 0;

/** Sets `textFrom` and `textTo`. */
@inline
export function locate(start: usize, end: usize, hasEscapes: bool): void {
  textFrom = start;
  textTo = end;
  if (hasEscapes) {
    textFrom = load<u32>(SCRATCH);
    textTo = decodeString(textFrom, start, end);
  }
}

/** Members of extended JSON: `$number…` and `$date`. */
const NOT_EXTENDED: u32 = 0;
const NUMBER_DECIMAL: u32 = 1;
const NUMBER_DOUBLE: u32 = 2;
const NUMBER_LONG: u32 = 3;
const NUMBER_INT: u32 = 4;
const DATE: u32 = 5;

/** Which extended JSON the object in the slot is; its value is then in `member…`. */
function extendedKind(start: usize): u32 {
  if (!readSoleMember(start)) return NOT_EXTENDED;
  const length = memberKeyEnd - memberKey;
  const head = load<u64>(memberKey);
  const tail = load<u64>(memberKey, 8);
  // "$numberD", "$numberL", "$numberI" and what follows in up to eight bytes, little endian.
  if (head == 0x447265626d756e24) {
    if (length == 14 && tail << 16 == 0x6c616d6963650000) return NUMBER_DECIMAL;
    if (length == 13 && tail << 24 == 0x656c62756f000000) return NUMBER_DOUBLE;
  }
  if (length == 11 && head == 0x4c7265626d756e24 && tail << 40 == 0x676e6f0000000000) return NUMBER_LONG;
  if (length == 10 && head == 0x497265626d756e24 && tail << 48 == 0x746e000000000000) return NUMBER_INT;
  return length == 5 && head << 24 == 0x6574616424000000 ? DATE : NOT_EXTENDED;
}

/** An amount scaled by 10^4; sets `converted`. */
export function amountOf(slot: usize, kind: u32): i64 {
  const start: usize = load<u32>(slot, 4);
  const end: usize = load<u32>(slot, 8);
  if (kind == K_NUMBER) return plainDecimal(start, end, false);
  if (kind == K_STRING) {
    locate(start, end, load<u32>(slot, 12) != 0);
    return amountText(textFrom, textTo);
  }
  if (kind == K_OBJECT) {
    const extended = extendedKind(start);
    if (extended != NOT_EXTENDED && extended != DATE && (memberKind == K_STRING || memberKind == K_NUMBER)) {
      locate(memberValue, memberValueEnd, memberEscaped);
      return plainDecimal(textFrom, textTo, true);
    }
  }
  return refuse();
}

/** Microseconds since the epoch; sets `timestampConverted`. */
export function timestampOf(start: usize, end: usize, kind: u32, hasEscapes: bool): i64 {
  if (kind == K_NUMBER) return millisecondText(start, end);
  if (kind == K_STRING) {
    locate(start, end, hasEscapes);
    return timestampText(textFrom, textTo);
  }
  if (kind == K_OBJECT && extendedKind(start) == DATE) {
    if (memberKind == K_NUMBER) return millisecondText(memberValue, memberValueEnd);
    if (memberKind == K_STRING) {
      locate(memberValue, memberValueEnd, memberEscaped);
      return timestampText(textFrom, textTo);
    }
    if (memberKind == K_OBJECT && extendedKind(memberValue) == NUMBER_LONG && memberKind == K_STRING) {
      locate(memberValue, memberValueEnd, memberEscaped);
      return millisecondText(textFrom, textTo);
    }
  }
  return timestampText(start, start);
}

/** An integer; sets `converted`. */
export function integerOf(slot: usize, kind: u32): i64 {
  const start: usize = load<u32>(slot, 4);
  if (kind == K_NUMBER || kind == K_STRING) {
    locate(start, load<u32>(slot, 8), kind == K_STRING && load<u32>(slot, 12) != 0);
    return integerText(textFrom, textTo);
  }
  if (kind == K_OBJECT) {
    const extended = extendedKind(start);
    if ((extended == NUMBER_LONG || extended == NUMBER_INT) && memberKind == K_STRING) {
      locate(memberValue, memberValueEnd, memberEscaped);
      return integerText(textFrom, textTo);
    }
  }
  return refuse();
}
