/**
 * BSON, read where it lies: nothing of a document becomes an object but what is asked for.
 *
 *   document  length int32 · elements · 0        element  type byte · name · 0 · value
 *
 * Source: https://bsonspec.org/spec.html
 */
import { BSON } from 'mongodb';
import { SluiceError } from '../core/errors.js';

export const TYPE = {
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
  minKey: 255,
} as const;

/** Where the first element of a document is, after its length. */
export const FIRST = 4;
/** Numbers as objects of their BSON types: nothing is rounded. */
const EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;

/** A value that begins at `at`. */
export interface BsonValue {
  readonly bytes: Buffer;
  readonly type: number;
  readonly at: number;
}

export function int32(bytes: Buffer, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Where a name ends: at its 0. */
export function nameEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes[end] !== 0) end++;
  return end;
}

/** Behind a value. @throws SluiceError SLUICE_MONGODB where the type is none */
export function endOf(bytes: Buffer, type: number, at: number): number {
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
      throw new SluiceError('SLUICE_MONGODB', `a document has a value of the type ${type}, which BSON does not have`);
  }
}

/** A whole document, as the driver gives it with `raw`. */
export function documentOf(bytes: Uint8Array): BsonValue {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), type: TYPE.document, at: 0 };
}

export function isNothing(value: BsonValue | undefined): value is undefined {
  return value === undefined || value.type === TYPE.null || value.type === TYPE.undefined;
}

/** A member of a document or array, the last of its name; undefined where there is none. */
export function memberOf(value: BsonValue | undefined, name: string): BsonValue | undefined {
  if (value === undefined || (value.type !== TYPE.document && value.type !== TYPE.array)) return undefined;
  const { bytes } = value;
  let found: BsonValue | undefined;
  for (let at = value.at + FIRST; bytes[at] !== 0; ) {
    const type = bytes[at];
    const end = nameEnd(bytes, at + 1);
    if (bytes.toString('utf8', at + 1, end) === name) found = { bytes, type, at: end + 1 };
    at = endOf(bytes, type, end + 1);
  }
  return found;
}

/** The value at a path of several levels; undefined where there is none. */
export function valueAt(document: BsonValue | undefined, path: string): BsonValue | undefined {
  return path.split('.').reduce(memberOf, document);
}

/** The text of a string. */
export function textOf({ bytes, at }: BsonValue): string {
  return bytes.toString('utf8', at + 4, at + 3 + int32(bytes, at));
}

/** The value as the driver makes it, numbers as objects of their BSON types. */
export function deserialized({ bytes, type, at }: BsonValue): unknown {
  const end = endOf(bytes, type, at);
  // A document of its own: length, type, a name of one letter, the value, 0.
  const document = Buffer.alloc(end - at + 8);
  document.writeInt32LE(document.length);
  document[4] = type;
  document[5] = 0x76;
  bytes.copy(document, 7, at, end);
  return BSON.deserialize(document, EXACT).v;
}
