/** The tree of a spec's paths, and the records of it that the kernel reads: its nodes and keys. */
import type { FieldPath } from '../schema/field-path.js';
import type { TableSpec } from '../schema/spec.js';
import { IGNORED_TARGET, KEY, NODE, NODE_KEYS, NODE_TARGET, NODES, ROW_CONTEXTS, SPAN } from './abi.js';

/** After the bytes of each key, which are compared by 16. */
const SPARE_KEY_BYTES = 16;
/** The member of `extra` that has what no column has of the message's key. */
export const KEY_MEMBER = 'message_key';

const utf8 = new TextEncoder();

/** A path that a column is read from. The first of each column come first: their slots have the columns' numbers. */
export interface Field {
  readonly column: number;
  readonly path: FieldPath;
}

type Target = { readonly slot: number } | { readonly node: number } | 'ignored';

/** A mapped object: its keys lead to slots or to further objects. */
interface PathNode {
  readonly parent: number;
  readonly depth: number;
  readonly keys: Map<string, Target>;
  leaves: bigint;
  isEmbedded: boolean;
  isIgnored: boolean;
  isTombstone: boolean;
}

export interface PathTree {
  readonly fields: readonly Field[];
  /** The first is the message's value. */
  readonly nodes: readonly PathNode[];
  /** The node that is the message's key; undefined if no column is read from it. */
  readonly keyNode: number | undefined;
  /** The slot that takes all of the key. */
  readonly wholeKey: number | undefined;
  /** Strings of JSON in strings of JSON, at most. */
  readonly embeddedDepth: number;
}

function fieldsOf({ columns }: TableSpec): Field[] {
  const fields = (of: (paths: readonly FieldPath[]) => readonly FieldPath[]) =>
    columns.flatMap(({ paths }, column) => of(paths).map((path) => ({ column, path })));
  return [...fields((paths) => paths.slice(0, 1)), ...fields((paths) => paths.slice(1))];
}

export function pathTree(spec: TableSpec): PathTree {
  const fields = fieldsOf(spec);
  const nodes = [newNode(0, 0)];
  const keyNode = fields.some(({ path }) => path.of === 'key') ? nodes.push(newNode(0, 0)) - 1 : undefined;
  const isRead = ({ of }: FieldPath) => of === 'value' || keyNode !== undefined;
  const rootOf = ({ of }: FieldPath) => (of === 'key' ? (keyNode ?? 0) : 0);
  for (const [slot, { path }] of fields.entries()) {
    if (path.names.length === 0) continue;
    const inner = nodeAt(nodes, rootOf(path), path.names.slice(0, -1), (node) => {
      node.leaves |= 1n << BigInt(slot);
    });
    nodes[inner].keys.set(path.names[path.names.length - 1], { slot });
  }
  for (const path of spec.embedded.filter(isRead)) nodes[nodeAt(nodes, rootOf(path), path.names)].isEmbedded = true;
  for (const path of spec.ignore.filter(isRead)) ignore(nodes, rootOf(path), path.names);
  const nullAt = spec.deletes?.nullAt;
  if (nullAt !== undefined) nodes[nodeAt(nodes, 0, nullAt.names)].isTombstone = true;
  // Each node comes after the one that it is in.
  for (const node of nodes.slice(1)) node.isIgnored ||= node.depth > 0 && nodes[node.parent].isIgnored;
  const whole = fields.findIndex(({ path }) => path.names.length === 0);
  const wholeKey = whole === -1 ? undefined : whole;
  return { fields, nodes, keyNode, wholeKey, embeddedDepth: embeddedDepth(nodes) };
}

function newNode(parent: number, depth: number): PathNode {
  return { parent, depth, keys: new Map(), leaves: 0n, isEmbedded: false, isIgnored: false, isTombstone: false };
}

/** The node at these names, which is made if need be. @param visit called with it and all nodes around it */
function nodeAt(nodes: PathNode[], root: number, names: readonly string[], visit = (_: PathNode): void => {}): number {
  let at = root;
  visit(nodes[at]);
  for (const name of names) {
    const known = nodes[at].keys.get(name);
    if (known !== undefined && known !== 'ignored' && 'node' in known) at = known.node;
    else {
      nodes.push(newNode(at, nodes[at].depth + 1));
      nodes[at].keys.set(name, { node: nodes.length - 1 });
      at = nodes.length - 1;
    }
    visit(nodes[at]);
  }
  return at;
}

/** What is mapped inside of it stays so. */
function ignore(nodes: PathNode[], root: number, names: readonly string[]): void {
  if (names.length === 0) {
    nodes[root].isIgnored = true;
    return;
  }
  const around = nodes[nodeAt(nodes, root, names.slice(0, -1))];
  const known = around.keys.get(names[names.length - 1]);
  if (typeof known === 'object' && 'node' in known) nodes[known.node].isIgnored = true;
  else around.keys.set(names[names.length - 1], 'ignored');
}

function embeddedDepth(nodes: readonly PathNode[]): number {
  const depths: number[] = [];
  for (const [index, { parent, depth, isEmbedded }] of nodes.entries()) {
    depths[index] = (depth === 0 ? 0 : depths[parent]) + (isEmbedded ? 1 : 0);
  }
  return Math.max(...depths);
}

/** What the records and the bytes of all keys take. */
export function keyTableBytes({ nodes }: PathTree): number {
  const names = [...nodes.flatMap((node) => [...node.keys.keys()]), KEY_MEMBER];
  return names.reduce((sum, name) => sum + KEY.size + utf8.encode(name).length + SPARE_KEY_BYTES, 0);
}

/**
 * Writes nodes, keys and the bytes of the keys.
 * @returns the addresses of the records of the keys that lead to the slots, by slot
 */
export function writeTree(memory: WebAssembly.Memory, tree: PathTree, keysAt: number, nodeKeysAt: number): number[] {
  const { nodes, keyNode, wholeKey } = tree;
  const keyRecords: number[] = [];
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  let record = keysAt;
  let text = keysAt + (nodes.reduce((sum, { keys }) => sum + keys.size, 0) + 1) * KEY.size;
  const write = (name: string, target: number): void => {
    const encoded = utf8.encode(name);
    bytes.set(encoded, text);
    view.setUint32(record + KEY.address, text, true);
    view.setUint32(record + KEY.length, encoded.length, true);
    view.setUint32(record + KEY.target, target, true);
    record += KEY.size;
    text += encoded.length + SPARE_KEY_BYTES;
  };
  for (const [index, node] of nodes.entries()) {
    const at = NODES + index * NODE.size;
    view.setUint32(at + NODE.keys, record, true);
    view.setUint32(at + NODE.keyCount, node.keys.size, true);
    view.setUint32(at + NODE.parent, NODES + node.parent * NODE.size, true);
    view.setUint32(at + NODE.rowKeys, nodeKeysAt + index * NODE_KEYS.size, true);
    view.setUint32(at + NODE.depth, node.depth, true);
    view.setBigUint64(at + NODE.leaves, node.leaves, true);
    view.setUint8(at + NODE.isEmbedded, node.isEmbedded ? 1 : 0);
    view.setUint8(at + NODE.isIgnored, node.isIgnored ? 1 : 0);
    view.setUint8(at + NODE.isTombstone, node.isTombstone ? 1 : 0);
    for (const [name, target] of node.keys) {
      if (target !== 'ignored' && 'slot' in target) keyRecords[target.slot] = record;
      write(name, targetNumber(target));
    }
  }
  if (keyNode === undefined) return keyRecords;
  // No node has this key: in every row the key is under this name.
  if (wholeKey !== undefined) keyRecords[wholeKey] = record;
  const name = text;
  write(KEY_MEMBER, wholeKey ?? 0);
  for (let context = 0; context < ROW_CONTEXTS; context++) {
    const span = nodeKeysAt + keyNode * NODE_KEYS.size + context * SPAN.size;
    view.setUint32(span + SPAN.start, name, true);
    view.setUint32(span + SPAN.end, name + KEY_MEMBER.length, true);
  }
  return keyRecords;
}

function targetNumber(target: Target): number {
  if (target === 'ignored') return IGNORED_TARGET;
  return 'slot' in target ? target.slot : NODE_TARGET + target.node;
}
