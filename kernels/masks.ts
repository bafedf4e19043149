/**
 * Masks: what is written in place of a value that nobody is to read. Columns of text have an operation of their own;
 * JSON, and the fields that the spec does not map, are copied but for the values that the tree of masks leads to.
 */
import {
  COLUMN,
  COLUMN_MASK,
  COLUMN_MASKS,
  HMAC_TEXT,
  KIND,
  MASK,
  MASK_NODE,
  SLOT,
  SLOTS,
  SPEC_COLUMN,
} from './abi';
import {
  fieldOf,
  row,
  rows,
  rowsOfBlock,
  rowsOfKinds,
  setIssue,
  setKinds,
  setTextEnd,
  setValid,
  textEnd,
} from './block';
import { locate, standsForText, textFrom, textTo } from './conversion';
import { endMasks, maskText } from './hmac';
import { kindOf, skipSpace, skipValue } from './json';
import { findMember, isInner } from './mask-names';
import { characterEnd, copyBytes, decodeString, escaped, scanString } from './string';

/** `***`, little endian. */
const STARS: u32 = 0x2a2a2a;
const STARS_LENGTH: usize = 3;

/** The mask of a spec column, 0 if it has none. */
@inline
export function maskOf(slotIndex: u32): usize {
  return load<u32>(COLUMN_MASKS + <usize>slotIndex * COLUMN_MASK.size, COLUMN_MASK.node);
}

/** Makes the values of a column that is dropped null in all rows of the block. */
export function dropValues(slotIndex: u32, slots: usize): void {
  const node = maskOf(slotIndex);
  if (node && load<u32>(node, MASK_NODE.mask) == MASK.DROP) setKinds(slots, ~(<u64>0), KIND.NULL);
}

@inline
function offsetsOf(column: usize): usize {
  return <usize>load<u32>(column, COLUMN.offsets) + ((row + 1) << 2);
}

/** Masks of texts: of strings, of what stands for a text, and of other values as their JSON text, which is an issue. */
export function appendMaskedText(column: usize, slotIndex: u32, slots: usize): void {
  const isId = load<u8>(fieldOf(slotIndex), SPEC_COLUMN.takesIntegers) != 0;
  for (let left = rowsOfBlock(rowsOfKinds(slots, KIND.NUMBER, KIND.ARRAY)); left; left &= left - 1) {
    const i = <usize>ctz(left);
    if (!standsForText(slots, i, isId)) setIssue(i, slotIndex);
  }
  const node = maskOf(slotIndex);
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = offsetsOf(column);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    if (kind > KIND.NULL) {
      const slot = slots + i * SLOT.size;
      to = writeMasked(to, load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind, node);
    }
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  endMasks();
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)));
}

/** Stars for what came as an amount that is masked. */
export function appendMaskedRaw(column: usize, slots: usize): void {
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = offsetsOf(column);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    if (load<u8>(slots + i, SLOTS.kinds) > <u8>KIND.NULL) to = writeStars(to);
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)));
}

/** JSON text in which some values are masked, or all of it. */
export function appendMaskedJson(column: usize, slotIndex: u32, slots: usize): void {
  const node = maskOf(slotIndex);
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = offsetsOf(column);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    if (kind > KIND.NULL) {
      const slot = slots + i * SLOT.size;
      const quote = usize(kind <= KIND.ESCAPED);
      const start: usize = load<u32>(slot, SLOT.start);
      const end: usize = load<u32>(slot, SLOT.end);
      to = maskJson(to, start - quote, end + quote, node);
    }
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)));
}

@inline
function writeStars(to: usize): usize {
  store<u32>(to, STARS);
  return to + STARS_LENGTH;
}

/** The mask of a value as text. @returns its end */
function writeMasked(to: usize, start: usize, end: usize, kind: u32, node: usize): usize {
  const mask = load<u32>(node, MASK_NODE.mask);
  if (mask == MASK.HMAC) {
    locate(start, end, kind);
    maskText(to, textFrom, textTo);
    return to + HMAC_TEXT;
  }
  to = writeStars(to);
  if (mask != MASK.PARTIAL || kind >= KIND.OBJECT) return to;
  const isEscaped = kind == KIND.ESCAPED;
  const from = keptFrom(start, end, load<u32>(node, MASK_NODE.keep), isEscaped);
  return isEscaped ? decodeString(to, from, end) : appendBytes(to, from, end);
}

@inline
function appendBytes(to: usize, start: usize, end: usize): usize {
  copyBytes(to, start, end - start);
  return to + (end - start);
}

/** Whether a character starts at `p`, and none goes on. */
@inline
function isCharacter(p: usize): bool {
  return (load<u8>(p) & 0xc0) != 0x80;
}

/** Where the last characters of a text start that are kept; its end if it has not twice as many. */
function keptFrom(start: usize, end: usize, keep: u32, isEscaped: bool): usize {
  let count: u32 = 0;
  for (let p = start; p < end; p = isEscaped ? characterEnd(p) : p + 1) count += u32(isCharacter(p));
  if (count < keep << 1) return end;
  let p = start;
  for (let left = count - keep; left; p = isEscaped ? characterEnd(p) : p + 1) left -= u32(isCharacter(p));
  // The rest of the last character that is left out.
  while (!isCharacter(p)) p++;
  return p;
}

/** From where what is between masked values is not copied yet, and where it goes. */
let copiedTo: usize = 0;
let out: usize = 0;

/** Copies valid JSON with its masks. @returns the end of the copy, at most MASK_TIMES and HMAC_TEXT longer */
export function maskJson(to: usize, p: usize, end: usize, node: usize): usize {
  copiedTo = p;
  out = to;
  // A number that is all of a key or of an embedded text has nothing after it that would end it.
  if (hasMasksInside(p, node)) maskValue(p, node);
  else replace(p, end, node);
  copyUntil(end);
  endMasks();
  return out;
}

function copyUntil(end: usize): void {
  copyBytes(out, copiedTo, end - copiedTo);
  out += end - copiedTo;
  copiedTo = end;
}

/** False if all of the value at `p` is masked: what is no object may have all of what a mask inside of one hides. */
@inline
function hasMasksInside(p: usize, node: usize): bool {
  return isInner(load<u32>(node, MASK_NODE.mask)) && (load<u8>(p) | 0x20) == 0x7b;
}

/** @returns the end of the value at `p` */
function maskValue(p: usize, node: usize): usize {
  if (hasMasksInside(p, node)) return load<u8>(p) == 0x7b ? maskMembers(p, node) : maskElements(p, node);
  const end = skipValue(p, 0);
  replace(p, end, node);
  return end;
}

function maskElements(p: usize, node: usize): usize {
  p = skipSpace(p + 1);
  if (load<u8>(p) == 0x5d) return p + 1;
  while (true) {
    p = skipSpace(maskValue(p, node));
    if (load<u8>(p) == 0x5d) return p + 1;
    p = skipSpace(p + 1);
  }
  return 0;
}

function maskMembers(p: usize, node: usize): usize {
  p = skipSpace(p + 1);
  if (load<u8>(p) == 0x7d) return p + 1;
  while (true) {
    const key = p + 1;
    const keyEnd = scanString(key);
    const inner = findMember(node, key, keyEnd);
    p = skipSpace(skipSpace(keyEnd + 1) + 1);
    p = skipSpace(inner ? maskValue(p, inner) : skipValue(p, 0));
    if (load<u8>(p) == 0x7d) return p + 1;
    p = skipSpace(p + 1);
  }
  return 0;
}

/** Writes the mask of the value from `p` to `end` in place of it. */
function replace(p: usize, end: usize, node: usize): void {
  let kind = kindOf(load<u8>(p));
  const mask = load<u32>(node, MASK_NODE.mask);
  if (kind == KIND.NULL || mask == MASK.AROUND) return;
  copyUntil(p);
  copiedTo = end;
  if (mask == MASK.DROP) {
    store<u32>(out, 0x6c6c756e);
    out += 4;
    return;
  }
  const quote = usize(kind == KIND.STRING);
  if (quote && hasEscapes(p)) kind = KIND.ESCAPED;
  store<u8>(out++, 0x22);
  if (mask == MASK.PARTIAL && quote) {
    out = writeStars(out);
    const from = keptFrom(p + 1, end - 1, load<u32>(node, MASK_NODE.keep), kind == KIND.ESCAPED);
    // As it is written, escapes included.
    out = appendBytes(out, from, end - 1);
  } else out = writeMasked(out, p + quote, end - quote, kind, node);
  store<u8>(out++, 0x22);
}

@inline
function hasEscapes(p: usize): bool {
  scanString(p + 1);
  return escaped;
}
