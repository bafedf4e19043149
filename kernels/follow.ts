/**
 * The speculative path: the rows of a block are followed through the graph together, state by state. A transition is
 * loaded once for all rows that take it, and no row waits for what another one loads. Rows that the graph does not know
 * are left to the general path.
 */
import {
  ACTION,
  CONTEXT_EXTRAS,
  CURSOR,
  CURSORS,
  HEADER,
  KIND,
  MESSAGES,
  NODE_ROWS,
  SLOT,
  TRACKED_NODES,
  TRANSITION,
  TRANSITIONS,
} from './abi';
import { setKinds, slotsOf } from './block';
import { addExtra, endExtra, extraCount, setExtraCount, setNodeKey } from './extras';
import {
  END_EXTRA,
  ENTER_NODE,
  firstTransitions,
  firstWaiting,
  keyTransitions,
  START_CONTAINER,
  START_EXTRA,
  removeWaiting,
  TO_EMBEDDED,
  TO_END,
  TO_OUTER,
  TO_STRING,
  TO_VALUE,
  waitIn,
} from './graph';
import { kindOf, setSlot } from './json';
import { hasKey, keyStart, valueStart } from './messages';
import { readKeyOf } from './row';
import { enterTexts, leaveTexts, skipIgnored, startArenas } from './texts';
import { atEnd, cursorOf, lowest, matching, advanceNumbers, advanceStrings } from './advance';

/**
 * Follows rows of the block, a bit per row, into their slots and row contexts. Nothing marks their ends: an unclosed
 * string is read into what comes after the row, and then found to be too long.
 * @returns the rows that the graph knows
 */
export function followRows(rows: u64): u64 {
  startRows(rows);
  let ended: u64 = 0;
  // The first state with waiting rows is next, so that rows are together again after their paths meet.
  for (let transitions = firstWaiting(); transitions; transitions = firstWaiting()) {
    let left = removeWaiting(transitions);
    const last = transitions + TRANSITIONS.size;
    let transition = transitions;
    for (; left && transition != last && isUsed(transition); transition += TRANSITION.size) {
      const leadsTo = load<u32>(transition, TRANSITION.leadsTo);
      if (leadsTo <= TO_STRING) {
        const other = transition + TRANSITION.size;
        left ^= advance(transition, left, leadsTo, other != last && isUsed(other));
      } else if (leadsTo == TO_END) {
        const taking = atEnd(transition, left);
        ended |= actAhead(transition, taking);
        left ^= taking;
      } else left ^= move(transition, left, leadsTo);
    }
  }
  return ended;
}

@inline
function isUsed(transition: usize): bool {
  return load<u32>(transition, TRANSITION.length) != 0;
}

/** Has the rows wait at their start, with nothing known of them. */
function startRows(rows: u64): void {
  for (let at = NODE_ROWS; at < NODE_ROWS + TRACKED_NODES * 8; at += 8) store<u64>(at, load<u64>(at) & ~rows);
  const count: usize = load<u32>(HEADER.slotCount);
  for (let slot: usize = 0; slot < count; slot++) setKinds(slotsOf(slot), rows, KIND.MISSING);
  for (let left = rows; left; left &= left - 1) setExtraCount(<usize>ctz(left), 0);
  if (load<u32>(HEADER.arena)) startArenas(rows);
  const withKey = load<u32>(HEADER.keyNode) ? startKeys(rows) : 0;
  startValues(rows & ~withKey);
}

/** Has those of the rows wait at the start of their keys that have one. @returns them, and those that are lost */
function startKeys(rows: u64): u64 {
  const isWhole = load<u32>(HEADER.wholeKey) != 0;
  let started: u64 = 0;
  let lost: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const message = <usize>load<u32>(MESSAGES + (row << 2));
    if (!hasKey(message)) continue;
    if (isWhole) {
      if (!readKeyOf(message, row)) lost |= lowest(left);
      continue;
    }
    started |= lowest(left);
    store<u32>(cursorOf(row), <u32>keyStart(message), CURSOR.next);
    store<u32>(cursorOf(row), <u32>keyStart(message + 1), CURSOR.end);
  }
  if (started) waitIn(keyTransitions(), started);
  return started | lost;
}

/** Has the rows wait at the start of their values. */
function startValues(rows: u64): void {
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const message = <usize>load<u32>(MESSAGES + (row << 2));
    store<u32>(cursorOf(row), <u32>valueStart(message), CURSOR.next);
    store<u32>(cursorOf(row), <u32>valueStart(message + 1), CURSOR.end);
  }
  waitIn(firstTransitions(), rows);
}

/** Moves those of the rows that have the literal on to what is no scalar. @returns those, whether it is there or not */
function move(transition: usize, rows: u64, leadsTo: u32): u64 {
  const length = <usize>load<u32>(transition, TRANSITION.length);
  const next = <usize>load<u32>(transition, TRANSITION.next);
  const isEnd = leadsTo >= TO_OUTER;
  const taking = isEnd ? atEnd(transition, rows) : matching(transition, length, rows);
  let moved = actAhead(transition, taking);
  if (moved == 0) return taking;
  if (leadsTo == TO_VALUE) startValues(moved);
  else {
    if (leadsTo == TO_OUTER) leaveTexts(moved);
    else moved = leadsTo == TO_EMBEDDED ? enterTexts(moved, length) : skipIgnored(transition, moved, length);
    waitIn(next, moved);
  }
  return taking;
}

/** Advances those of the rows that have the literal and its scalar. @param hasOthers whether others are tried next */
@inline
function advance(transition: usize, rows: u64, leadsTo: u32, hasOthers: bool): u64 {
  const slots = <usize>load<u32>(transition, TRANSITION.nextSlots);
  const length = <usize>load<u32>(transition, TRANSITION.length);
  if (hasOthers || length > 32) rows = matching(transition, length, rows);
  if (rows == 0) return 0;
  rows = leadsTo == TO_STRING
    ? advanceStrings(transition, rows, slots, length)
    : advanceNumbers(transition, rows, slots, length);
  if (rows == 0) return 0;
  const waiting = act(transition, rows, slots, length);
  if (waiting) waitIn(load<u32>(transition, TRANSITION.next), waiting);
  return rows;
}

/** Does what the literal means for rows that are at its start. @returns as `act` */
@inline
function actAhead(transition: usize, rows: u64): u64 {
  return rows ? act(transition, rows, CURSORS, 0) : 0;
}

/**
 * Does what the literal means besides leading to a scalar. For each row a record of 8 bytes in `places` starts with a
 * place, which is `past` bytes after the start of the literal.
 * @returns the rows that have room for it, and have not entered an object twice
 */
@inline
function act(transition: usize, rows: u64, places: usize, past: usize): u64 {
  const nodes = load<u64>(transition, TRANSITION.newNodes);
  if (nodes) rows &= ~enterNodes(nodes, rows);
  const count = <usize>load<u32>(transition, TRANSITION.actionCount);
  for (let i: usize = 0; i < count; i++) {
    rows = actOnce(transition + TRANSITION.actions + i * ACTION.size, transition, rows, places, past);
  }
  return rows;
}

/** Records that the rows enter mapped objects. @returns those that were in one of them before */
function enterNodes(nodes: u64, rows: u64): u64 {
  let twice: u64 = 0;
  for (; nodes; nodes &= nodes - 1) {
    const at = NODE_ROWS + (<usize>ctz(nodes) << 3);
    const entered = load<u64>(at);
    twice |= entered & rows;
    store<u64>(at, entered | rows);
  }
  return twice;
}

function actOnce(action: usize, literal: usize, rows: u64, places: usize, past: usize): u64 {
  const subject = <usize>load<u32>(action, ACTION.subject);
  const a = <usize>load<u32>(action, ACTION.a);
  const b = <usize>load<u32>(action, ACTION.b);
  const c = <usize>load<u32>(action, ACTION.c);
  switch (load<u32>(action, ACTION.operation)) {
    case ENTER_NODE:
      for (let left = rows; left; left &= left - 1) {
        const p = placeOf(places, <usize>ctz(left)) - past;
        setNodeKey(<usize>ctz(left), subject, p + a, p + b);
      }
      return rows;
    case START_EXTRA:
      for (let left = rows; left; left &= left - 1) {
        const row = <usize>ctz(left);
        const p = placeOf(places, row) - past;
        if (extraCount(row) == CONTEXT_EXTRAS) rows ^= lowest(left);
        else addExtra(row, subject, p + a, p + b, p + c, 0);
      }
      return rows;
    case END_EXTRA:
      for (let left = rows; left; left &= left - 1) {
        endExtra(<usize>ctz(left), placeOf(places, <usize>ctz(left)) - past + a);
      }
      return rows;
    case START_CONTAINER: {
      const kind = kindOf(load<u8>(literal + a));
      for (let left = rows; left; left &= left - 1) {
        setSlot(subject, <usize>ctz(left), placeOf(places, <usize>ctz(left)) - past + a, 0, kind);
      }
      return rows;
    }
    default:
      for (let left = rows; left; left &= left - 1) {
        const row = <usize>ctz(left);
        store<u32>(subject + row * SLOT.size, <u32>(placeOf(places, row) - past + a), SLOT.end);
      }
      return rows;
  }
}

@inline
function placeOf(places: usize, row: usize): usize {
  return load<u32>(places + row * SLOT.size, SLOT.start);
}
