/**
 * The learned graph: what stands between the scalars of recent rows.
 *
 * A state is a place in a row, right after a scalar: the scope, which is the containers that are open there, and what
 * the scalar was for. A transition leads from state to state by a literal: all text from the end of one scalar to the
 * next one, keys, colons, commas, brackets and spaces in one, and the quote that opens a string. Since a state knows
 * what is open, every path through the graph is a valid row, whether or not it has been seen as a whole. A transition
 * also has what the literal means: the columns whose values it starts or ends, and fields that the spec does not map.
 */
import {
  SCOPE,
  GRAPH,
  HEADER,
  IDENTITY,
  MAX_SCOPES,
  MAX_STATES,
  MAX_TRANSITIONS,
  STATE,
  TRANSITION,
  TRANSITIONS,
} from './abi';

/** What a literal leads to: a scalar that is no string, or a string; its last byte is then the opening quote. */
export const TO_OTHER: u32 = 0;
export const TO_STRING: u32 = 1;
/** The end of the row: there is no next state. */
export const TO_END: u32 = 2;
/** A string of JSON, whose text is read next; its last byte is the opening quote. */
export const TO_EMBEDDED: u32 = 3;
/** A value that is ignored. */
export const TO_IGNORED: u32 = 4;
/** The end of an embedded text; what is read next comes after the string. */
export const TO_OUTER: u32 = 5;
/** The end of the message's key; its value is read next. */
export const TO_VALUE: u32 = 6;

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
export const ROLE_KEY: u32 = 66;
export const ROLE_NODE: u32 = 128;

/** The transitions of the state before the first scalar. */
@inline
export function firstTransitions(): usize {
  return <usize>load<u32>(HEADER.graph) + GRAPH.transitions;
}

/** The transitions of the state before the first scalar of a message's key. */
@inline
export function keyTransitions(): usize {
  return firstTransitions() + TRANSITIONS.size;
}

/** Makes these rows wait in a state. */
@inline
export function waitIn(transitions: usize, rows: u64): void {
  const graph = <usize>load<u32>(HEADER.graph);
  const index = indexOf(transitions);
  const waiting = graph + GRAPH.waiting + (index << 3);
  store<u64>(waiting, load<u64>(waiting) | rows);
  const states = graph + GRAPH.waitingStates + ((index >> 6) << 3);
  store<u64>(states, load<u64>(states) | ((<u64>1) << (index & 63)));
}

/** The transitions of the first state in which rows wait; 0 if there is none. */
@inline
export function firstWaiting(): usize {
  const graph = <usize>load<u32>(HEADER.graph);
  for (let at: usize = 0; at < <usize>MAX_STATES / 8; at += 8) {
    const states = load<u64>(graph + GRAPH.waitingStates + at);
    if (states) return graph + GRAPH.transitions + ((at << 3) + <usize>ctz(states)) * TRANSITIONS.size;
  }
  return 0;
}

/** The rows that wait in a state, and then no longer do. */
@inline
export function removeWaiting(transitions: usize): u64 {
  const graph = <usize>load<u32>(HEADER.graph);
  const index = indexOf(transitions);
  const waiting = graph + GRAPH.waiting + (index << 3);
  const states = graph + GRAPH.waitingStates + ((index >> 6) << 3);
  store<u64>(states, load<u64>(states) & ~((<u64>1) << (index & 63)));
  const rows = load<u64>(waiting);
  store<u64>(waiting, 0);
  return rows;
}

/** Room for the actions of one transition. */
@inline
export function pendingActions(): usize {
  return <usize>load<u32>(HEADER.graph) + GRAPH.pendingActions;
}

@inline
function indexOf(transitions: usize): usize {
  return (transitions - <usize>load<u32>(HEADER.graph) - GRAPH.transitions) / TRANSITIONS.size;
}

@inline
function stateOf(transitions: usize): usize {
  return <usize>load<u32>(HEADER.graph) + GRAPH.states + indexOf(transitions) * STATE.size;
}

/** Forgets everything but the first states, which then have no transitions. */
export function clearGraph(): void {
  const graph = <usize>load<u32>(HEADER.graph);
  store<u32>(graph, 0, GRAPH.stateCount);
  // Scope 0 is what is around a row.
  store<u32>(graph, 1, GRAPH.scopeCount);
  findState(0, ROLE_INNER, 0);
  findState(0, ROLE_KEY, 0);
}

/** The index of the record of `size` with this identity from `records` on; a new one if there is none; -1 if full. */
function findRecord(
  counter: usize,
  records: usize,
  size: usize,
  max: u32,
  scope: u32,
  role: u32,
  hash: u32,
): i32 {
  const count = load<u32>(counter);
  let at = records;
  for (let i: u32 = 0; i < count; i++, at += size) {
    if (
      load<u32>(at, IDENTITY.scope) == scope &&
      load<u32>(at, IDENTITY.role) == role &&
      load<u32>(at, IDENTITY.keyHash) == hash
    ) {
      return i;
    }
  }
  if (count == max) return -1;
  store<u32>(at, scope, IDENTITY.scope);
  store<u32>(at, role, IDENTITY.role);
  store<u32>(at, hash, IDENTITY.keyHash);
  store<u32>(at, 0, IDENTITY.size);
  store<u32>(counter, count + 1);
  return count;
}

/** The scope inside of a container; -1 if there is no room for more. */
export function findScope(parent: u32, role: u32, hash: u32): i32 {
  const graph = <usize>load<u32>(HEADER.graph);
  return findRecord(graph + GRAPH.scopeCount, graph + GRAPH.scopes, SCOPE.size, MAX_SCOPES, parent, role, hash);
}

/** The transitions of the state after a scalar; 0 if there is no room for more. */
export function findState(scope: u32, role: u32, hash: u32): usize {
  const graph = <usize>load<u32>(HEADER.graph);
  const known = load<u32>(graph, GRAPH.stateCount);
  const index = findRecord(graph + GRAPH.stateCount, graph + GRAPH.states, STATE.size, MAX_STATES, scope, role, hash);
  if (index < 0) return 0;
  const transitions = graph + GRAPH.transitions + <usize>index * TRANSITIONS.size;
  // A transition that is not in use matches nothing.
  if (load<u32>(graph, GRAPH.stateCount) != known) memory.fill(transitions, 0, TRANSITIONS.size);
  return transitions;
}

/**
 * A transition for the literal from `start` to `end`, in which only the literal is set; it replaces the oldest if there
 * are too many. 0 if there is one for this literal.
 */
export function addTransition(transitions: usize, start: usize, end: usize): usize {
  const length = <u32>(end - start);
  const state = stateOf(transitions);
  const count: u32 = load<u16>(state, STATE.transitionCount);
  for (let i: u32 = 0; i < count; i++) {
    const known = transitions + <usize>i * TRANSITION.size;
    if (load<u32>(known, TRANSITION.length) == length && memory.compare(known, start, length) == 0) return 0;
  }
  let index = count;
  if (count < MAX_TRANSITIONS) store<u16>(state, count + 1, STATE.transitionCount);
  else {
    index = load<u16>(state, STATE.oldest);
    store<u16>(state, (index + 1) % MAX_TRANSITIONS, STATE.oldest);
  }
  let transition = transitions + <usize>index * TRANSITION.size;
  memory.fill(transition, 0, TRANSITION.size);
  memory.copy(transition, start, length);
  store<u32>(transition, length, TRANSITION.length);
  store<u32>(transition, length >= 16 ? 0xffff0000 : 0xffffffff << length, TRANSITION.anyBytes);
  for (; index > 0 && load<u32>(transition - TRANSITION.size, TRANSITION.length) < length; index--) {
    transition = swapped(transition, transition - TRANSITION.size);
  }
  for (; index + 1 < MAX_TRANSITIONS && load<u32>(transition + TRANSITION.size, TRANSITION.length) > length; index++) {
    transition = swapped(transition, transition + TRANSITION.size);
  }
  return transition;
}

/** Swaps two transitions. @returns the new place of the first one */
function swapped(one: usize, other: usize): usize {
  const spare = <usize>load<u32>(HEADER.graph) + GRAPH.spare;
  memory.copy(spare, one, TRANSITION.size);
  memory.copy(one, other, TRANSITION.size);
  memory.copy(other, spare, TRANSITION.size);
  return other;
}
