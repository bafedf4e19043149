import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  int64Text,
  jsonOf
} from "./chunk-SYKV6E3L.js";
import {
  TYPE,
  int32,
  isNothing,
  textOf
} from "./chunk-SC3AT35C.js";

// src/capture/order-id.ts
var NOTHING = { text: "null", type: "null", key: "null" };
var TYPE_NAMES = {
  [TYPE.double]: "number",
  [TYPE.int32]: "number",
  [TYPE.int64]: "number",
  [TYPE.decimal]: "number",
  [TYPE.string]: "string",
  [TYPE.document]: "object",
  [TYPE.array]: "array",
  [TYPE.binary]: "binData",
  [TYPE.objectId]: "objectId",
  [TYPE.bool]: "bool",
  [TYPE.date]: "date",
  [TYPE.regex]: "regex",
  [TYPE.dbPointer]: "dbPointer",
  [TYPE.code]: "javascript",
  [TYPE.symbol]: "symbol",
  [TYPE.scopedCode]: "javascriptWithScope",
  [TYPE.timestamp]: "timestamp",
  [TYPE.minKey]: "minKey",
  [TYPE.maxKey]: "maxKey"
};
var MARKER = "snapshot:";
var OBJECT_ID = /^[0-9a-f]{24}$/i;
var JSON_SCALAR = /^[ \t\n\r]*(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)[ \t\n\r]*$/;
var JSON_OPENING = /^[ \t\n\r]*["{[]/;
var PLAIN_LIMIT = 1e21;
function orderIdOf(value) {
  if (isNothing(value)) return NOTHING;
  const { bytes, type, at } = value;
  if (type === TYPE.string) {
    const text2 = textOf(value);
    return { text: text2, type: "string", key: isAmbiguous(text2) ? JSON.stringify(text2) : text2 };
  }
  const text = type === TYPE.objectId ? bytes.toString("hex", at, at + 12) : plainText(value);
  return { text, type: TYPE_NAMES[type], key: text };
}
function markerId(time, end) {
  return { text: `${MARKER}${time}`, type: "snapshot", key: `${MARKER}${time}:${end}` };
}
function plainText(value) {
  const { bytes, type, at } = value;
  if (type === TYPE.int32) return String(int32(bytes, at));
  if (type === TYPE.int64) return int64Text(bytes, at);
  if (type !== TYPE.double) return jsonOf(value);
  const double = bytes.readDoubleLE(at);
  const isLarge = Math.abs(double) > Number.MAX_SAFE_INTEGER && Math.abs(double) < PLAIN_LIMIT;
  return isLarge ? String(BigInt(double)) : jsonOf(value);
}
function isAmbiguous(text) {
  if (text.startsWith(MARKER) || OBJECT_ID.test(text) || JSON_SCALAR.test(text)) return true;
  if (!JSON_OPENING.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export {
  orderIdOf,
  markerId
};
//# sourceMappingURL=chunk-64UPU5I7.js.map
