/**
 * The learned path: rows are followed through the graph, literal by literal, two at a time, so that what one waits for
 * is time for the other. A row for which the graph has no way is left to the general path.
 */
import { addExtra, endExtra, setNodeKey } from './extras';
import {
  ACTION_BYTES,
  ACTION_COUNT,
  ACTIONS,
  ANY_BYTES,
  END,
  END_CONTAINER,
  END_EXTRA,
  ENTER_NODE,
  FAN_BYTES,
  firstTransitions,
  LENGTH,
  NEW_COLUMNS,
  NEW_NODES,
  NEXT,
  NEXT_SLOTS,
  START_CONTAINER,
  START_EXTRA,
  TRANSITION_BYTES,
} from './graph';
import { kindOf, readScalar, setSlot } from './json';
import { K_ESCAPED, K_STRING, LANE_0, LANE_1, LANE_COLUMNS, SLOT_BYTES } from './layout';
import { escaped, specialMask, scanSpecial } from './string';

/** Which of the two rows the graph has a way for. */
export const FIRST: u32 = 1;
export const SECOND: u32 = 2;

/**
 * Follows the rows from `p` to `end` and from `q` to `endQ` into lanes 0 and 1. Nothing marks their ends: a string that
 * is left open is read into what comes behind, which is seen afterwards.
 * @param row where their slots are, in bytes from the first row's; the second row's are the next ones
 * @returns FIRST, SECOND, both or neither
 */
export function followPair(p: usize, end: usize, q: usize, endQ: usize, row: usize): u32 {
  let fan = firstTransitions();
  let columns: u64 = 0;
  let nodes: u64 = 0;
  store<u32>(LANE_0, 0, 4);
  store<u32>(LANE_1, 0, 4);
  while (true) {
    const transition = findShared(fan, p, q);
    if (transition == 0) break;
    const entered = load<u64>(transition, NEW_NODES);
    if (nodes & entered) return 0;
    nodes |= entered;
    columns |= load<u64>(transition, NEW_COLUMNS);
    if (load<u32>(transition, ACTION_COUNT)) {
      act(transition, p, LANE_0, row);
      act(transition, q, LANE_1, row + SLOT_BYTES);
    }
    const length = <usize>load<u32>(transition, LENGTH);
    p += length;
    q += length;
    fan = load<u32>(transition, NEXT);
    if (fan == END) return finish(LANE_0, p == end, columns) | (finish(LANE_1, q == endQ, columns) << 1);
    const slot = <usize>load<u32>(transition, NEXT_SLOTS) + row;
    // Two strings are scanned in step.
    if (load<u8>(p) == 0x22 && load<u8>(q) == 0x22) {
      let mask = specialMask(p + 1);
      let maskQ = specialMask(q + 1);
      let a = p + 1;
      let b = q + 1;
      while (!(mask && maskQ)) {
        if (!mask) mask = specialMask((a += 16));
        if (!maskQ) maskQ = specialMask((b += 16));
      }
      p = endString(slot, p + 1, a + ctz(mask));
      q = endString(slot + SLOT_BYTES, q + 1, b + ctz(maskQ));
    } else {
      p = readScalar(p, slot);
      q = readScalar(q, slot + SLOT_BYTES);
    }
    if (isPast(p, end) || isPast(q, endQ)) break;
  }
  // The rows part here.
  const first = !isPast(p, end) && follow(p, end, fan, columns, nodes, LANE_0, row);
  const second = !isPast(q, endQ) && follow(q, endQ, fan, columns, nodes, LANE_1, row + SLOT_BYTES);
  return u32(first) | (u32(second) << 1);
}

/** Whether a scalar was none (its end is 0), or went up to the end of the row, where a bracket must be. */
@inline
function isPast(p: usize, end: usize): bool {
  return p - 1 >= end - 1;
}

@inline
function finish(lane: usize, isEnd: bool, columns: u64): u32 {
  store<u64>(lane, columns, LANE_COLUMNS);
  return u32(isEnd);
}

/** Notes the string from `start` whose first special byte is at `special`. @returns the byte behind its quote, or 0 */
@inline
function endString(slot: usize, start: usize, special: usize): usize {
  if (load<u8>(special) == 0x22) {
    setSlot(slot, start, special, K_STRING);
    return special + 1;
  }
  const end = scanSpecial(special);
  setSlot(slot, start, end, escaped ? K_ESCAPED : K_STRING);
  return end == 0 ? 0 : end + 1;
}

/** The same for one row, from some state on. @returns whether the graph has a way for it */
function follow(p: usize, end: usize, fan: usize, columns: u64, nodes: u64, lane: usize, row: usize): bool {
  while (true) {
    const transition = find(fan, p);
    if (transition == 0) return false;
    const entered = load<u64>(transition, NEW_NODES);
    if (nodes & entered) return false;
    nodes |= entered;
    columns |= load<u64>(transition, NEW_COLUMNS);
    if (load<u32>(transition, ACTION_COUNT)) act(transition, p, lane, row);
    p += <usize>load<u32>(transition, LENGTH);
    fan = load<u32>(transition, NEXT);
    if (fan == END) return finish(lane, p == end, columns) != 0;
    p = readScalar(p, <usize>load<u32>(transition, NEXT_SLOTS) + row);
    if (isPast(p, end)) return false;
  }
  return false;
}

/** The transition whose literal both rows have; 0 if there is none. */
@inline
function findShared(fan: usize, p: usize, q: usize): usize {
  const head = v128.load(p);
  const headQ = v128.load(q);
  const last = fan + FAN_BYTES;
  for (; fan != last; fan += TRANSITION_BYTES) {
    const literal = v128.load(fan);
    const same = i8x16.bitmask(v128.and(i8x16.eq(head, literal), i8x16.eq(headQ, literal)));
    if ((<u32>same | load<u32>(fan, ANY_BYTES)) != 0xffffffff) continue;
    const length = load<u32>(fan, LENGTH);
    if (length <= 16 || (hasRest(fan, length, p) && hasRest(fan, length, q))) return fan;
  }
  return 0;
}

@inline
function find(fan: usize, p: usize): usize {
  const head = v128.load(p);
  const last = fan + FAN_BYTES;
  for (; fan != last; fan += TRANSITION_BYTES) {
    const same = i8x16.bitmask(i8x16.eq(head, v128.load(fan)));
    if ((<u32>same | load<u32>(fan, ANY_BYTES)) != 0xffffffff) continue;
    const length = load<u32>(fan, LENGTH);
    if (length <= 16 || hasRest(fan, length, p)) return fan;
  }
  return 0;
}

/** Whether the literal's bytes from the 17th on are at `p` as well. */
@inline
function hasRest(literal: usize, length: u32, p: usize): bool {
  let at: u32 = 16;
  for (; at + 16 < length; at += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(literal + at), v128.load(p + at))) != 0xffff) return false;
  }
  // The last 16 bytes, of which some may have been compared before.
  at = length - 16;
  return i8x16.bitmask(i8x16.eq(v128.load(literal + at), v128.load(p + at))) == 0xffff;
}

/** Does what the literal at `p` means besides the scalar behind it. */
@inline
function act(transition: usize, p: usize, lane: usize, row: usize): void {
  let action = transition + ACTIONS;
  const last = action + <usize>load<u32>(transition, ACTION_COUNT) * ACTION_BYTES;
  for (; action != last; action += ACTION_BYTES) {
    const subject = <usize>load<u32>(action, 4);
    const a = <usize>load<u32>(action, 8);
    switch (load<u32>(action)) {
      case ENTER_NODE:
        setNodeKey(lane, subject, p + a, p + <usize>load<u32>(action, 12));
        break;
      case START_EXTRA:
        addExtra(lane, subject, p + a, p + <usize>load<u32>(action, 12), p + <usize>load<u32>(action, 16), 0);
        break;
      case END_EXTRA:
        endExtra(lane, p + a);
        break;
      case START_CONTAINER:
        setSlot(subject + row, p + a, 0, kindOf(load<u8>(p + a)));
        break;
      case END_CONTAINER:
        store<u32>(subject + row, p + a, 4);
        break;
    }
  }
}
