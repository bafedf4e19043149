import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KEY,
  NODE,
  NODES,
  NODE_KEYS,
  NODE_TARGET
} from "./chunk-WTTS74JV.js";

// src/kernel/path-tree.ts
var SPARE_KEY_BYTES = 16;
function pathTree(columns) {
  const nodes = [{ parent: 0, depth: 0, keys: /* @__PURE__ */ new Map(), leaves: 0n }];
  for (const [index, { path }] of columns.entries()) {
    let at = 0;
    nodes[at].leaves |= 1n << BigInt(index);
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const known = nodes[at].keys.get(key);
      if (known !== void 0 && "node" in known) at = known.node;
      else {
        nodes.push({ parent: at, depth: depth + 1, keys: /* @__PURE__ */ new Map(), leaves: 0n });
        nodes[at].keys.set(key, { node: nodes.length - 1 });
        at = nodes.length - 1;
      }
      nodes[at].leaves |= 1n << BigInt(index);
    }
    nodes[at].keys.set(path[path.length - 1], { column: index });
  }
  return nodes;
}
function keyTableBytes(nodes) {
  const keys = nodes.flatMap((node) => [...node.keys.keys()]);
  return keys.reduce((sum, key) => sum + KEY.size + Buffer.byteLength(key) + SPARE_KEY_BYTES, 0);
}
function writeTree(memory, nodes, keysAt, nodeKeysAt) {
  const keyRecords = [];
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
      view.setUint32(record + KEY.target, "column" in target ? target.column : NODE_TARGET + target.node, true);
      if ("column" in target) keyRecords[target.column] = record;
      record += KEY.size;
      text += encoded.length + SPARE_KEY_BYTES;
    }
  }
  return keyRecords;
}

export {
  pathTree,
  keyTableBytes,
  writeTree
};
//# sourceMappingURL=chunk-MDWEB32Y.js.map
