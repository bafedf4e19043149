/**
 * The learned path: the rows of a block are followed through the graph together, state by state. What a transition says
 * is looked up once for all rows that take it, and no row waits for another. A row for which the graph has no way is
 * left to the general path.
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
  END,
  END_EXTRA,
  ENTER_NODE,
  firstTransitions,
  firstWaiting,
  START_CONTAINER,
  START_EXTRA,
  takeWaiting,
  waitIn,
} from './graph';
import { kindOf, setSlot } from './json';
import { valueStart } from './messages';
import { atEnd, cursorOf, lowest, matching, takeNumbers, takeStrings } from './take';

/**
 * Follows rows of the block, a bit per row, into their slots and lanes. Nothing marks their ends: a string that is left
 * open is read into what comes behind, which is seen afterwards.
 * @returns the rows that the graph has a way for
 */
export function followRows(rows: u64): u64 {
  startRows(rows);
  let ended: u64 = 0;
  // Rows wait for those behind them, so that they are together where their ways meet again.
  for (let fan = firstWaiting(); fan; fan = firstWaiting()) {
    let left = takeWaiting(fan);
    const last = fan + TRANSITIONS.size;
    for (let transition = fan; left && transition != last && isUsed(transition); transition += TRANSITION.size) {
      if (load<u32>(transition, TRANSITION.next) == END) {
        const taking = atEnd(transition, left);
        ended |= finish(transition, taking);
        left ^= taking;
      } else {
        const other = transition + TRANSITION.size;
        left ^= take(transition, left, other != last && isUsed(other));
      }
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
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const message = <usize>load<u32>(MESSAGES + (row << 2));
    store<u32>(cursorOf(row), <u32>valueStart(message), CURSOR.next);
    store<u32>(cursorOf(row), <u32>valueStart(message + 1), CURSOR.end);
    setExtraCount(row, 0);
  }
  for (let at = NODE_ROWS; at < NODE_ROWS + TRACKED_NODES * 8; at += 8) store<u64>(at, load<u64>(at) & ~rows);
  const count: usize = load<u32>(HEADER.specColumnCount);
  for (let column: usize = 0; column < count; column++) setKinds(slotsOf(column), rows, KIND.MISSING);
  waitIn(firstTransitions(), rows);
}

/** Has those of the rows take a transition that can. @param hasOthers whether other ones are tried behind it */
@inline
function take(transition: usize, rows: u64, hasOthers: bool): u64 {
  const slots = <usize>load<u32>(transition, TRANSITION.nextSlots);
  const length = <usize>load<u32>(transition, TRANSITION.length);
  if (hasOthers || length > 32) rows = matching(transition, length, rows);
  if (rows == 0) return 0;
  rows = load<u32>(transition, TRANSITION.nextIsString)
    ? takeStrings(transition, rows, slots, length)
    : takeNumbers(transition, rows, slots, length);
  if (rows == 0) return 0;
  const going = act(transition, rows, slots, length);
  if (going) waitIn(load<u32>(transition, TRANSITION.next), going);
  return rows;
}

/** Does what a literal means for the rows that were read on to its end. @returns them */
@inline
function finish(transition: usize, rows: u64): u64 {
  return rows ? act(transition, rows, CURSORS, 0) : 0;
}

/**
 * Does what the literal means besides the scalar behind it. For each row a record of 8 bytes in `places` starts with a
 * place, which is `behind` bytes behind where the literal is.
 * @returns the rows that have room for it, and have not entered an object twice
 */
@inline
function act(transition: usize, rows: u64, places: usize, behind: usize): u64 {
  const nodes = load<u64>(transition, TRANSITION.newNodes);
  if (nodes) rows &= ~enterNodes(nodes, rows);
  const count = <usize>load<u32>(transition, TRANSITION.actionCount);
  for (let i: usize = 0; i < count; i++) {
    rows = actOnce(transition + TRANSITION.actions + i * ACTION.size, transition, rows, places, behind);
  }
  return rows;
}

/** Notes that the rows enter mapped objects. @returns those that were in one of them before */
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

function actOnce(action: usize, literal: usize, rows: u64, places: usize, behind: usize): u64 {
  const subject = <usize>load<u32>(action, ACTION.subject);
  const a = <usize>load<u32>(action, ACTION.a);
  const b = <usize>load<u32>(action, ACTION.b);
  const c = <usize>load<u32>(action, ACTION.c);
  switch (load<u32>(action, ACTION.operation)) {
    case ENTER_NODE:
      for (let left = rows; left; left &= left - 1) {
        const p = placeOf(places, <usize>ctz(left)) - behind;
        setNodeKey(<usize>ctz(left), subject, p + a, p + b);
      }
      return rows;
    case START_EXTRA:
      for (let left = rows; left; left &= left - 1) {
        const row = <usize>ctz(left);
        const p = placeOf(places, row) - behind;
        if (extraCount(row) == CONTEXT_EXTRAS) rows ^= lowest(left);
        else addExtra(row, subject, p + a, p + b, p + c, 0);
      }
      return rows;
    case END_EXTRA:
      for (let left = rows; left; left &= left - 1) {
        endExtra(<usize>ctz(left), placeOf(places, <usize>ctz(left)) - behind + a);
      }
      return rows;
    case START_CONTAINER: {
      const kind = kindOf(load<u8>(literal + a));
      for (let left = rows; left; left &= left - 1) {
        setSlot(subject, <usize>ctz(left), placeOf(places, <usize>ctz(left)) - behind + a, 0, kind);
      }
      return rows;
    }
    default:
      for (let left = rows; left; left &= left - 1) {
        const row = <usize>ctz(left);
        store<u32>(subject + row * SLOT.size, <u32>(placeOf(places, row) - behind + a), SLOT.end);
      }
      return rows;
  }
}

@inline
function placeOf(places: usize, row: usize): usize {
  return load<u32>(places + row * SLOT.size, SLOT.start);
}
