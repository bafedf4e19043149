/** The tree of a spec's paths, and the records of it that the kernel reads: its nodes and keys. */
import type { SpecColumn } from '../schema/spec.js';
import { KEY, NODE, NODE_KEYS, NODE_TARGET, NODES } from './abi.js';

/** After the bytes of each key, which are compared by 16. */
const SPARE_KEY_BYTES = 16;

/** A mapped object: its keys lead to columns or to further objects. */
export interface PathNode {
  readonly parent: number;
  readonly depth: number;
  readonly keys: Map<string, { column: number } | { node: number }>;
  leaves: bigint;
}

/** The tree of the spec's paths; the first node is the whole message. */
export function pathTree(columns: readonly SpecColumn[]): PathNode[] {
  const nodes: PathNode[] = [{ parent: 0, depth: 0, keys: new Map(), leaves: 0n }];
  for (const [index, { paths }] of columns.entries()) {
    const path = paths[0].names;
    let at = 0;
    nodes[at].leaves |= 1n << BigInt(index);
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const known = nodes[at].keys.get(key);
      if (known !== undefined && 'node' in known) at = known.node;
      else {
        nodes.push({ parent: at, depth: depth + 1, keys: new Map(), leaves: 0n });
        nodes[at].keys.set(key, { node: nodes.length - 1 });
        at = nodes.length - 1;
      }
      nodes[at].leaves |= 1n << BigInt(index);
    }
    nodes[at].keys.set(path[path.length - 1], { column: index });
  }
  return nodes;
}

/** What the records and the bytes of all keys take. */
export function keyTableBytes(nodes: readonly PathNode[]): number {
  const keys = nodes.flatMap((node) => [...node.keys.keys()]);
  return keys.reduce((sum, key) => sum + KEY.size + Buffer.byteLength(key) + SPARE_KEY_BYTES, 0);
}

/**
 * Writes nodes, keys and the bytes of the keys.
 * @returns the addresses of the records of the keys that lead to the columns, by column
 */
export function writeTree(
  memory: WebAssembly.Memory,
  nodes: readonly PathNode[],
  keysAt: number,
  nodeKeysAt: number,
): number[] {
  const keyRecords: number[] = [];
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  let record = keysAt;
  let text = keysAt + nodes.reduce((sum, { keys }) => sum + keys.size, 0) * KEY.size;
  for (const [index, { parent, depth, keys, leaves }] of nodes.entries()) {
    const at = NODES + index * NODE.size;
    view.setUint32(at + NODE.keys, record, true);
    view.setUint32(at + NODE.keyCount, keys.size, true);
    view.setUint32(at + NODE.parent, NODES + parent * NODE.size, true);
    view.setUint32(at + NODE.rowKeys, nodeKeysAt + index * NODE_KEYS.size, true);
    view.setUint32(at + NODE.depth, depth, true);
    view.setBigUint64(at + NODE.leaves, leaves, true);
    for (const [key, target] of keys) {
      const encoded = Buffer.from(key);
      bytes.set(encoded, text);
      view.setUint32(record + KEY.address, text, true);
      view.setUint32(record + KEY.length, encoded.length, true);
      view.setUint32(record + KEY.target, 'column' in target ? target.column : NODE_TARGET + target.node, true);
      if ('column' in target) keyRecords[target.column] = record;
      record += KEY.size;
      text += encoded.length + SPARE_KEY_BYTES;
    }
  }
  return keyRecords;
}
