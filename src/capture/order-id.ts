/**
 * The identity of an order. MongoDB tells 10 from "10" and an ObjectId from its hex digits; text alone does not:
 *
 *   `_id`                   order_id     order_id_type   Kafka key
 *   "a-1"                   a-1          string          a-1
 *   "10"                    10           string          "10"
 *   10, Long(10), 10.0      10           number          10
 *   ObjectId(65f0…)         65f0…        objectId        65f0…
 *   "65f0…"                 65f0…        string          "65f0…"
 *   { a: 1 }                {"a":1}      object          {"a":1}
 *
 * Both order_id with order_id_type and the Kafka key alone are different for documents that are different.
 */
import { type BsonValue, int32, isNothing, TYPE, textOf } from './bson.js';
import { int64Text, jsonOf } from './json.js';

export interface OrderId {
  /** What people read, in the column of the role `key`. */
  readonly text: string;
  /** BSON's type as `$type` names it; `number` for all numbers, as MongoDB compares their values. */
  readonly type: string;
  readonly key: string;
}

/** Of a value that is missing, null or undefined. */
const NOTHING: OrderId = { text: 'null', type: 'null', key: 'null' };

/** Source: https://www.mongodb.com/docs/manual/reference/operator/query/type/ */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [TYPE.double]: 'number',
  [TYPE.int32]: 'number',
  [TYPE.int64]: 'number',
  [TYPE.decimal]: 'number',
  [TYPE.string]: 'string',
  [TYPE.document]: 'object',
  [TYPE.array]: 'array',
  [TYPE.binary]: 'binData',
  [TYPE.objectId]: 'objectId',
  [TYPE.bool]: 'bool',
  [TYPE.date]: 'date',
  [TYPE.regex]: 'regex',
  [TYPE.dbPointer]: 'dbPointer',
  [TYPE.code]: 'javascript',
  [TYPE.symbol]: 'symbol',
  [TYPE.scopedCode]: 'javascriptWithScope',
  [TYPE.timestamp]: 'timestamp',
  [TYPE.minKey]: 'minKey',
  [TYPE.maxKey]: 'maxKey',
};

/** The keys of snapshot markers begin with this. */
const MARKER = 'snapshot:';
const OBJECT_ID = /^[0-9a-f]{24}$/i;
/** What JSON.parse takes, but for text, objects and arrays, which only it can judge. */
const JSON_SCALAR = /^[ \t\n\r]*(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)[ \t\n\r]*$/;
const JSON_OPENING = /^[ \t\n\r]*["{[]/;
/** From here on doubles are written with an exponent, which no integer is. */
const PLAIN_LIMIT = 1e21;

/** The order id that a value is. */
export function orderIdOf(value: BsonValue | undefined): OrderId {
  if (isNothing(value)) return NOTHING;
  const { bytes, type, at } = value;
  if (type === TYPE.string) {
    const text = textOf(value);
    return { text, type: 'string', key: isAmbiguous(text) ? JSON.stringify(text) : text };
  }
  const text = type === TYPE.objectId ? bytes.toString('hex', at, at + 12) : plainText(value);
  return { text, type: TYPE_NAMES[type], key: text };
}

/** The order id and the key of a marker of a snapshot, which no document has. @param time 16 hex digits */
export function markerId(time: string, end: 'begin' | 'end'): OrderId {
  // Keys of their own: compaction must not take the beginning away for the end.
  return { text: `${MARKER}${time}`, type: 'snapshot', key: `${MARKER}${time}:${end}` };
}

/** Whole numbers by their digits, whatever type holds them; all else as JSON text. */
function plainText(value: BsonValue): string {
  const { bytes, type, at } = value;
  if (type === TYPE.int32) return String(int32(bytes, at));
  if (type === TYPE.int64) return int64Text(bytes, at);
  if (type !== TYPE.double) return jsonOf(value);
  const double = bytes.readDoubleLE(at);
  // JSON text rounds the digits of large doubles to those of another integer.
  const isLarge = Math.abs(double) > Number.MAX_SAFE_INTEGER && Math.abs(double) < PLAIN_LIMIT;
  return isLarge ? String(BigInt(double)) : jsonOf(value);
}

/** Whether a string could be taken for the key of a value of another type. */
function isAmbiguous(text: string): boolean {
  if (text.startsWith(MARKER) || OBJECT_ID.test(text) || JSON_SCALAR.test(text)) return true;
  if (!JSON_OPENING.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
