/** Values that cannot become a row: each way of damaging one gives the status of its kind, whatever the event. */
import type { EventKind } from './event-kinds.js';
import type { OrderFields } from './orders.js';
import type { Random } from './random.js';

/** @param json a valid event; @param kind one of status malformed or not_object */
export function damaged(json: string, kind: EventKind, random: Random): Buffer {
  switch (kind) {
    case 'truncated':
      return truncated(Buffer.from(json), random);
    case 'bad_syntax':
      return Buffer.from(random.pick(SYNTAX_ERRORS)(json));
    case 'invalid_utf8':
      return withBytes(json, random.pick(INVALID_UTF8));
    case 'empty':
      return Buffer.alloc(0);
    case 'not_object':
      return Buffer.from(random.pick(NOT_OBJECTS));
    default:
      throw new Error(`events of kind ${kind} are not damaged`);
  }
}

/** The fields of a valid event without what is required of them. */
export function withoutRequired(fields: OrderFields, random: Random): OrderFields {
  const { change_id, order_id, ...others } = fields;
  return random.pick<OrderFields>([
    { order_id, ...others },
    { change_id, ...others },
    { ...fields, change_id: 'null' },
    { ...fields, order_id: 'null' },
    { ...fields, change_id: 'null', order_id: 'null' },
    others,
    {},
  ]);
}

/** A copy of its own: a view would keep the whole event alive. At least one byte stays. */
function truncated(bytes: Buffer, random: Random): Buffer {
  return Buffer.from(bytes.subarray(0, 1 + random.below(bytes.length - 1)));
}

const SYNTAX_ERRORS: readonly ((json: string) => string)[] = [
  (json) => `not json ${json}`,
  (json) => json.replace('"operation":', '"operation" '),
  (json) => json.replace('{', '{,'),
  (json) => json.replace(/}$/, ',}'),
  (json) => `${json}}`,
  (json) => `${json}${json}`,
  (json) => `\ufeff${json}`,
  (json) => json.replace('{', '{"n":NaN,'),
  (json) => json.replace('{', '{"n":01,'),
  (json) => json.replace('{', '{"n":1.,'),
  (json) => json.replace('{', '{/**/'),
  (json) => json.replace('{', '{"tab":"\t",'),
  (json) => json.replace('{', '{"escape":"\\x41",'),
  (json) => json.replace('{', '{"escape":"\\u12g4",'),
  (json) => json.replaceAll('"', "'"),
  (json) => `${json}\u0000`,
  (json) => json.replace('{', `{"deep":${'['.repeat(1100)}${']'.repeat(1100)},`),
];

/** A stray continuation, overlong forms, a surrogate, past U+10FFFF, and sequences cut short. */
const INVALID_UTF8: readonly (readonly number[])[] = [
  [0x80],
  [0xff],
  [0xc0, 0xaf],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x8e],
];

function withBytes(json: string, bytes: readonly number[]): Buffer {
  const at = json.indexOf('"name":"') + '"name":"'.length;
  return Buffer.concat([Buffer.from(json.slice(0, at)), Buffer.from(bytes), Buffer.from(json.slice(at))]);
}

const NOT_OBJECTS = ['[]', '[{"change_id":"x","order_id":"y"}]', '"text"', '42', '-0.5e3', 'null', 'true', ' false '];
