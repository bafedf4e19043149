/**
 * The learned graph: what stands between the scalars of recent rows.
 *
 * A state is a place in a row, right behind a scalar: the containers that are open there, and what the scalar was for.
 * A transition leads from state to state by a literal: all text from behind one scalar to the next one, keys, colons,
 * commas, brackets and spaces in one, and the quote that opens a string. Since a state knows what is open, every way
 * through the graph is a valid row, whether or not it has been seen as a whole. A transition also has what the literal
 * means: the columns whose values it starts or ends, and the fields that the spec does not map.
 */
import { GRAPH } from './layout';

/**
 * The region: counts of states and contexts; the actions of a literal that is not complete; a record to swap
 * transitions; then the identities of states and of contexts, the rows that wait in each state, and for each state its
 * transitions.
 */
const PENDING: usize = 64;
const SPARE: usize = 256;
const STATES: usize = 512;
const MAX_STATES: u32 = 512;
/** Record of a state's identity: context u32, role u32, key hash u32, transitions u16, next to replace u16. */
const STATE_BYTES: usize = 16;
const CONTEXTS: usize = STATES + <usize>MAX_STATES * STATE_BYTES;
const MAX_CONTEXTS: u32 = 256;
/** Record of a context: parent u32, role u32, key hash u32. */
const CONTEXT_BYTES: usize = 16;
/** For each state a bit per row of the block; and which states they are, a bit per state. */
const WAITING: usize = CONTEXTS + <usize>MAX_CONTEXTS * CONTEXT_BYTES;
const WAITING_STATES: usize = WAITING + <usize>MAX_STATES * 8;
const TRANSITIONS: usize = WAITING_STATES + <usize>MAX_STATES / 8;
/**
 * Record of a transition: the literal in 64 bytes, then its length u32, which of its first 16 bytes do not matter u32,
 * the transitions of the next state u32 (END for none), the slots of the next scalar u32, action count u32, whether
 * the scalar is a string u32, nodes that the row enters u64, and the actions.
 */
export const TRANSITION_BYTES: usize = 256;
/** The transitions of one state, longest literal first: what is a prefix of another is tried behind it. */
const MAX_TRANSITIONS: u32 = 8;
export const FAN_BYTES: usize = <usize>MAX_TRANSITIONS * TRANSITION_BYTES;
export const MAX_LITERAL: u32 = 64;
export const LENGTH: usize = 64;
export const ANY_BYTES: usize = 68;
export const NEXT: usize = 72;
export const NEXT_SLOTS: usize = 76;
export const ACTION_COUNT: usize = 80;
export const NEXT_IS_STRING: usize = 84;
export const NEW_NODES: usize = 88;
export const ACTIONS: usize = 96;
export const END: u32 = 0;

/** Record of an action: operation u32, subject u32, and places as bytes from the start of the literal: a, b, c u32. */
export const ACTION_BYTES: usize = 24;
export const MAX_ACTIONS: u32 = 6;
/** The subject is a node, the key is from a to b. */
export const ENTER_NODE: u32 = 0;
/** The subject is the node that has the extra, its key is from a to b, its value starts at c. */
export const START_EXTRA: u32 = 1;
/** The extra that was started last ends at a. */
export const END_EXTRA: u32 = 2;
/** The subject is a column's slots; an array or object starts at a. */
export const START_CONTAINER: u32 = 3;
/** It ends at a. */
export const END_CONTAINER: u32 = 4;

/** What a scalar or a container is for: less than 64 is a spec column, from ROLE_NODE on a mapped object. */
export const ROLE_INNER: u32 = 64;
export const ROLE_EXTRA: u32 = 65;
export const ROLE_NODE: u32 = 128;

/** The transitions of the state before the first scalar. */
@inline
export function firstTransitions(): usize {
  return <usize>load<u32>(GRAPH) + TRANSITIONS;
}

/** Has these rows wait in a state that is not END. */
@inline
export function waitIn(transitions: usize, rows: u64): void {
  const graph = <usize>load<u32>(GRAPH);
  const index = indexOf(transitions);
  const waiting = graph + WAITING + (index << 3);
  store<u64>(waiting, load<u64>(waiting) | rows);
  const states = graph + WAITING_STATES + ((index >> 6) << 3);
  store<u64>(states, load<u64>(states) | ((<u64>1) << (index & 63)));
}

/** The transitions of the first state in which rows wait; 0 if there is none. */
@inline
export function firstWaiting(): usize {
  const graph = <usize>load<u32>(GRAPH);
  for (let at: usize = 0; at < <usize>MAX_STATES / 8; at += 8) {
    const states = load<u64>(graph + WAITING_STATES + at);
    if (states) return graph + TRANSITIONS + ((at << 3) + <usize>ctz(states)) * FAN_BYTES;
  }
  return 0;
}

/** The rows that wait in a state, which go on from there. */
@inline
export function takeWaiting(transitions: usize): u64 {
  const graph = <usize>load<u32>(GRAPH);
  const index = indexOf(transitions);
  const waiting = graph + WAITING + (index << 3);
  const states = graph + WAITING_STATES + ((index >> 6) << 3);
  store<u64>(states, load<u64>(states) & ~((<u64>1) << (index & 63)));
  const rows = load<u64>(waiting);
  store<u64>(waiting, 0);
  return rows;
}

/** Room for the actions of one transition. */
@inline
export function pendingActions(): usize {
  return <usize>load<u32>(GRAPH) + PENDING;
}

@inline
function indexOf(transitions: usize): usize {
  return (transitions - <usize>load<u32>(GRAPH) - TRANSITIONS) / FAN_BYTES;
}

@inline
function stateOf(transitions: usize): usize {
  return <usize>load<u32>(GRAPH) + STATES + indexOf(transitions) * STATE_BYTES;
}

/** Forgets everything but the first state, which nothing leads away from. */
export function clearGraph(): void {
  const graph = <usize>load<u32>(GRAPH);
  store<u32>(graph, 0);
  // Context 0 is what is around a row.
  store<u32>(graph, 1, 4);
  findState(0, ROLE_INNER, 0);
}

/** The index of a record of `size` with these three words behind `records`; a new one if there is none; -1 if full. */
function findRecord(counter: usize, records: usize, size: usize, max: u32, a: u32, b: u32, c: u32): i32 {
  const count = load<u32>(counter);
  let at = records;
  for (let i: u32 = 0; i < count; i++, at += size) {
    if (load<u32>(at) == a && load<u32>(at, 4) == b && load<u32>(at, 8) == c) return i;
  }
  if (count == max) return -1;
  store<u32>(at, a);
  store<u32>(at, b, 4);
  store<u32>(at, c, 8);
  store<u32>(at, 0, 12);
  store<u32>(counter, count + 1);
  return count;
}

/** The context of a container inside of another context; -1 where there is no room for more. */
export function findContext(parent: u32, role: u32, hash: u32): i32 {
  const graph = <usize>load<u32>(GRAPH);
  return findRecord(graph + 4, graph + CONTEXTS, CONTEXT_BYTES, MAX_CONTEXTS, parent, role, hash);
}

/** The transitions of the state behind a scalar; 0 where there is no room for more. */
export function findState(context: u32, role: u32, hash: u32): usize {
  const graph = <usize>load<u32>(GRAPH);
  const known = load<u32>(graph);
  const index = findRecord(graph, graph + STATES, STATE_BYTES, MAX_STATES, context, role, hash);
  if (index < 0) return 0;
  const transitions = graph + TRANSITIONS + <usize>index * FAN_BYTES;
  // A transition that is not in use matches nothing.
  if (load<u32>(graph) != known) memory.fill(transitions, 0, FAN_BYTES);
  return transitions;
}

/**
 * A transition for the literal from `start` to `end`, in which only the literal is set; the oldest goes where there are
 * too many. 0 where there is one for this literal.
 */
export function addTransition(transitions: usize, start: usize, end: usize): usize {
  const length = <u32>(end - start);
  const state = stateOf(transitions);
  const count: u32 = load<u16>(state, 12);
  for (let i: u32 = 0; i < count; i++) {
    const known = transitions + <usize>i * TRANSITION_BYTES;
    if (load<u32>(known, LENGTH) == length && memory.compare(known, start, length) == 0) return 0;
  }
  let index = count;
  if (count < MAX_TRANSITIONS) store<u16>(state, count + 1, 12);
  else {
    index = load<u16>(state, 14);
    store<u16>(state, (index + 1) % MAX_TRANSITIONS, 14);
  }
  let transition = transitions + <usize>index * TRANSITION_BYTES;
  memory.fill(transition, 0, TRANSITION_BYTES);
  memory.copy(transition, start, length);
  store<u32>(transition, length, LENGTH);
  store<u32>(transition, length >= 16 ? 0xffff0000 : 0xffffffff << length, ANY_BYTES);
  for (; index > 0 && load<u32>(transition - TRANSITION_BYTES, LENGTH) < length; index--) {
    transition = swapped(transition, transition - TRANSITION_BYTES);
  }
  for (; index + 1 < MAX_TRANSITIONS && load<u32>(transition + TRANSITION_BYTES, LENGTH) > length; index++) {
    transition = swapped(transition, transition + TRANSITION_BYTES);
  }
  return transition;
}

/** Changes places. @returns where the first one is then */
function swapped(one: usize, other: usize): usize {
  const spare = <usize>load<u32>(GRAPH) + SPARE;
  memory.copy(spare, one, TRANSITION_BYTES);
  memory.copy(one, other, TRANSITION_BYTES);
  memory.copy(other, spare, TRANSITION_BYTES);
  return other;
}
