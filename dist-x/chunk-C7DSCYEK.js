import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/capture/bson.ts
import { BSON } from "mongodb";
var TYPE = {
  double: 1,
  string: 2,
  document: 3,
  array: 4,
  binary: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  code: 13,
  symbol: 14,
  scopedCode: 15,
  int32: 16,
  timestamp: 17,
  int64: 18,
  decimal: 19,
  maxKey: 127,
  minKey: 255
};
var FIRST = 4;
var EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };
function int32(bytes, at) {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
}
function nameEnd(bytes, at) {
  let end = at;
  while (bytes[end] !== 0) end++;
  return end;
}
function endOf(bytes, type, at) {
  switch (type) {
    case TYPE.string:
    case TYPE.code:
    case TYPE.symbol:
      return at + 4 + int32(bytes, at);
    case TYPE.document:
    case TYPE.array:
    case TYPE.scopedCode:
      return at + int32(bytes, at);
    case TYPE.int32:
      return at + 4;
    case TYPE.double:
    case TYPE.date:
    case TYPE.timestamp:
    case TYPE.int64:
      return at + 8;
    case TYPE.objectId:
      return at + 12;
    case TYPE.decimal:
      return at + 16;
    case TYPE.bool:
      return at + 1;
    case TYPE.null:
    case TYPE.undefined:
    case TYPE.minKey:
    case TYPE.maxKey:
      return at;
    case TYPE.binary:
      return at + 5 + int32(bytes, at);
    case TYPE.dbPointer:
      return at + 16 + int32(bytes, at);
    case TYPE.regex:
      return nameEnd(bytes, nameEnd(bytes, at) + 1) + 1;
    default:
      throw new SluiceError("SLUICE_MONGODB", `a document has a value of the type ${type}, which BSON does not have`);
  }
}
function documentOf(bytes) {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), type: TYPE.document, at: 0 };
}
function isNothing(value) {
  return value === void 0 || value.type === TYPE.null || value.type === TYPE.undefined;
}
function memberOf(value, name) {
  if (value === void 0 || value.type !== TYPE.document && value.type !== TYPE.array) return void 0;
  const { bytes } = value;
  let found;
  for (let at = value.at + FIRST; bytes[at] !== 0; ) {
    const type = bytes[at];
    const end = nameEnd(bytes, at + 1);
    if (bytes.toString("utf8", at + 1, end) === name) found = { bytes, type, at: end + 1 };
    at = endOf(bytes, type, end + 1);
  }
  return found;
}
function valueAt(document, path) {
  return path.split(".").reduce(memberOf, document);
}
function textOf({ bytes, at }) {
  return bytes.toString("utf8", at + 4, at + 3 + int32(bytes, at));
}
function deserialized({ bytes, type, at }) {
  const end = endOf(bytes, type, at);
  const document = Buffer.alloc(end - at + 8);
  document.writeInt32LE(document.length);
  document[4] = type;
  document[5] = 118;
  bytes.copy(document, 7, at, end);
  return BSON.deserialize(document, EXACT).v;
}

export {
  TYPE,
  FIRST,
  int32,
  nameEnd,
  endOf,
  documentOf,
  isNothing,
  memberOf,
  valueAt,
  textOf,
  deserialized
};
//# sourceMappingURL=chunk-C7DSCYEK.js.map
