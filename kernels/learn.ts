/** A row that the general path has read → states and transitions of the learned graph. */
import {
  ACTION,
  HEADER,
  IGNORED_TARGET,
  MAX_ACTIONS,
  MAX_LITERAL,
  NODE,
  NODE_TARGET,
  NODES,
  TRACKED_NODES,
  TRANSITION,
} from './abi';
import { slotsOf } from './block';
import { takeFromBudget } from './budget';
import {
  addTransition,
  END_CONTAINER,
  END_EXTRA,
  ENTER_NODE,
  findScope,
  findState,
  firstTransitions,
  keyTransitions,
  pendingActions,
  ROLE_EXTRA,
  ROLE_INNER,
  ROLE_KEY,
  ROLE_NODE,
  START_CONTAINER,
  START_EXTRA,
  TO_EMBEDDED,
  TO_END,
  TO_IGNORED,
  TO_OTHER,
  TO_OUTER,
  TO_STRING,
  TO_VALUE,
} from './graph';
import { skipSpace, skipValue, startsScalar } from './json';
import { findTarget, UNMAPPED } from './keys';
import { hasKey, keyStart, valueStart } from './messages';
import { scanString } from './string';

/** Bytes from which on an ignored value is learned as a whole. */
const LONG_VALUE: usize = 512;
/** In the role of a scope: it is the text in a string. */
const EMBEDDED: u32 = 0x20000;

/** The state that the next transition starts at, and its literal. */
let from: usize = 0;
let literal: usize = 0;
/** What the literal means so far. */
let nodes: u64 = 0;
let actions: u32 = 0;
/** Whether the row is one that cannot be learned: too long a literal, too much in it, or no room. */
let failed: bool = false;

/** Whether the literal is in an embedded text, and how many objects are around that. */
let inText: bool = false;
let textDepth: u32 = 0;

/** Whether the row that was learned last added to the graph. */
let added: bool = false;

/**
 * Learns the message, which the general path has read as a valid object, if there is budget for it.
 * @returns whether the graph knows more rows than before
 */
export function learnRow(message: usize): bool {
  if (!takeFromBudget()) return false;
  failed = false;
  added = false;
  inText = false;
  textDepth = 0;
  if (load<u32>(HEADER.keyNode) && !load<u32>(HEADER.wholeKey) && hasKey(message)) learnKey(message);
  if (failed) return added;
  const p = valueStart(message);
  from = firstTransitions();
  startLiteral(p);
  learnObject(skipSpace(p), childScope(0, ROLE_NODE, true, 0), NODES);
  if (!failed) endLiteral(valueStart(message + 1), TO_END, 0, 0);
  return added;
}

/** Learns the message's key, unless it is no object. */
function learnKey(message: usize): void {
  const start = keyStart(message);
  const p = skipSpace(start);
  failed = load<u8>(p) != 0x7b;
  if (failed) return;
  from = keyTransitions();
  startLiteral(start);
  const scope = childScope(childScope(0, ROLE_KEY, false, 0), ROLE_NODE, true, 0);
  learnObject(p, scope, load<u32>(HEADER.keyNode));
  if (!failed) endLiteral(keyStart(message + 1), TO_VALUE, firstTransitions(), 0);
}

function startLiteral(p: usize): void {
  literal = p;
  nodes = 0;
  actions = 0;
}

/**
 * Adds the transition for the literal, which ends at `p`.
 * @param next the state that it leads to; 0 for TO_END
 * @returns it, 0 if it was not added
 */
function endLiteral(p: usize, leadsTo: u32, next: usize, slots: usize): usize {
  failed = failed || p - literal > <usize>MAX_LITERAL;
  if (failed) return 0;
  const transition = addTransition(from, literal, p);
  if (transition == 0) return 0;
  added = true;
  store<u32>(transition, next, TRANSITION.next);
  store<u32>(transition, leadsTo, TRANSITION.leadsTo);
  store<u32>(transition, slots, TRANSITION.nextSlots);
  store<u64>(transition, nodes, TRANSITION.newNodes);
  store<u32>(transition, actions, TRANSITION.actionCount);
  memory.copy(transition + TRANSITION.actions, pendingActions(), <usize>actions * ACTION.size);
  return transition;
}

/** Adds an action to the literal. The places a to c are addresses. */
function addAction(operation: u32, subject: usize, a: usize, b: usize, c: usize): void {
  if (actions == MAX_ACTIONS) {
    failed = true;
    return;
  }
  const action = pendingActions() + <usize>actions * ACTION.size;
  actions++;
  store<u32>(action, operation, ACTION.operation);
  store<u32>(action, subject, ACTION.subject);
  store<u32>(action, a - literal, ACTION.a);
  store<u32>(action, b - literal, ACTION.b);
  store<u32>(action, c - literal, ACTION.c);
}

function childScope(parent: u32, role: u32, isObject: bool, hash: u32): u32 {
  const scope = findScope(parent, role | (u32(isObject) << 16), hash);
  failed = failed || scope < 0;
  return scope;
}

/** FNV-1a: tells most keys apart, so that each has a state of its own; nothing depends on that. */
function keyHash(key: usize, end: usize): u32 {
  let hash: u32 = 0x811c9dc5;
  for (; key < end; key++) hash = (hash ^ load<u8>(key)) * 0x01000193;
  return hash;
}

/** Learns the object at `p`. @param node 0 if the spec maps nothing inside @returns its end */
function learnObject(p: usize, scope: u32, node: usize): usize {
  p = skipSpace(p + 1);
  while (!failed && load<u8>(p) == 0x22) {
    const key = p + 1;
    const end = scanString(key);
    const target = node == 0 ? UNMAPPED : findTarget(node, key, end);
    p = skipSpace(skipSpace(end + 1) + 1);
    if (node == 0) p = learnValue(p, scope, ROLE_INNER, keyHash(key, end));
    else p = learnMember(p, scope, node, target, key, end);
    p = skipSpace(p);
    if (load<u8>(p) != 0x2c) break;
    p = skipSpace(p + 1);
  }
  return p + 1;
}

function learnArray(p: usize, scope: u32): usize {
  p = skipSpace(p + 1);
  while (!failed && load<u8>(p) != 0x5d) {
    p = skipSpace(learnValue(p, scope, ROLE_INNER, 0));
    if (load<u8>(p) != 0x2c) break;
    p = skipSpace(p + 1);
  }
  return p + 1;
}

/** Learns the value at `p` in which the spec maps nothing. @returns its end */
function learnValue(p: usize, scope: u32, role: u32, hash: u32): usize {
  const c: u32 = load<u8>(p);
  const unused = slotsOf(load<u32>(HEADER.slotCount));
  if (startsScalar(c)) return learnScalar(p, scope, role, hash, unused);
  const child = childScope(scope, role, c == 0x7b, hash);
  if (failed) return p;
  return c == 0x7b ? learnObject(p, child, 0) : learnArray(p, child);
}

/** Whether the literal ends a container in these slots: then a scalar of a repeated key would come after it. */
function endsIn(slots: usize): bool {
  for (let i: u32 = 0; i < actions; i++) {
    const action = pendingActions() + <usize>i * ACTION.size;
    const ends = load<u32>(action, ACTION.operation) == END_CONTAINER;
    if (ends && <usize>load<u32>(action, ACTION.subject) == slots) return true;
  }
  return false;
}

/** Ends the literal at the scalar at `p`, after its quote. @returns the scalar's end, where the next one starts */
function learnScalar(p: usize, scope: u32, role: u32, hash: u32, slots: usize): usize {
  const next = findState(scope, role, hash);
  failed = failed || next == 0 || endsIn(slots);
  const isString = load<u8>(p) == 0x22;
  if (!failed) endLiteral(p + usize(isString), isString ? TO_STRING : TO_OTHER, next, slots);
  const end = skipValue(p, 0);
  from = next;
  startLiteral(end);
  return end;
}

/** Learns the value at `p` of a key of a mapped object. @returns its end */
function learnMember(p: usize, scope: u32, node: usize, target: u32, key: usize, keyEnd: usize): usize {
  const hash = keyHash(key, keyEnd);
  if (target == UNMAPPED) return learnOther(p, scope, node, key, keyEnd, hash, load<u8>(node, NODE.isIgnored) == 0);
  if (target == IGNORED_TARGET) return learnIgnored(p, scope, node, hash);
  const c: u32 = load<u8>(p);
  if (target < NODE_TARGET) {
    const slots = slotsOf(target);
    if (startsScalar(c)) return learnScalar(p, scope, target, hash, slots);
    addAction(START_CONTAINER, slots, p, 0, 0);
    const end = learnValue(p, scope, target, hash);
    addAction(END_CONTAINER, slots, end, 0, 0);
    return end;
  }
  const index = target ^ NODE_TARGET;
  const child = NODES + <usize>index * NODE.size;
  // A transition has a bit for each node that it enters, to see one that comes twice.
  const bit = (<u64>1) << index;
  if (index >= <u32>TRACKED_NODES || nodes & bit) {
    failed = true;
    return p;
  }
  nodes |= bit;
  addAction(ENTER_NODE, child, key, keyEnd, 0);
  if (c == 0x22 && load<u8>(child, NODE.isEmbedded)) return learnEmbedded(p, scope, index, child, hash);
  return c == 0x7b
    ? learnObject(p, childScope(scope, ROLE_NODE + index, true, hash), child)
    : learnOther(p, scope, node, key, keyEnd, hash, load<u8>(child, NODE.isIgnored) == 0);
}

function learnOther(
  p: usize,
  scope: u32,
  node: usize,
  key: usize,
  keyEnd: usize,
  hash: u32,
  isExtra: bool,
): usize {
  if (!isExtra) return learnIgnored(p, scope, node, hash);
  addAction(START_EXTRA, node, key, keyEnd, p);
  const end = learnValue(p, scope, ROLE_EXTRA, hash);
  addAction(END_EXTRA, 0, end, 0, 0);
  return end;
}

/** Learns a value that is ignored: as a whole if it is long, for such ones are often the same in all rows. */
function learnIgnored(p: usize, scope: u32, node: usize, hash: u32): usize {
  const end = skipValue(p, 0);
  if (end - p < LONG_VALUE) return learnValue(p, scope, ROLE_INNER, hash);
  const next = findState(scope, ROLE_INNER, hash);
  failed = failed || next == 0;
  if (failed) return p;
  const transition = endLiteral(p, TO_IGNORED, next, 0);
  if (transition) store<u32>(transition, load<u32>(node, NODE.depth) + 1 - textDepth, TRANSITION.depth);
  from = next;
  startLiteral(end);
  return end;
}

/** Learns the string at `p` and the object that it holds, whose text the general path has decoded. @returns its end */
function learnEmbedded(p: usize, scope: u32, index: u32, child: usize, hash: u32): usize {
  const content = <usize>load<u32>(child, NODE.content);
  const inner = childScope(scope, (ROLE_NODE + index) | EMBEDDED, false, hash);
  const first = findState(inner, ROLE_INNER, 0);
  const after = findState(scope, ROLE_NODE + index, hash);
  const object = skipSpace(content);
  failed = failed || inText || first == 0 || after == 0 || load<u8>(object) != 0x7b;
  if (failed) return p;
  endLiteral(p + 1, TO_EMBEDDED, first, 0);
  inText = true;
  textDepth = load<u32>(child, NODE.depth);
  from = first;
  startLiteral(content);
  learnObject(object, childScope(inner, ROLE_NODE + index, true, hash), child);
  if (failed) return p;
  endLiteral(load<u32>(child, NODE.contentEnd), TO_OUTER, after, 0);
  inText = false;
  textDepth = 0;
  from = after;
  const end = scanString(p + 1) + 1;
  startLiteral(end);
  return end;
}
