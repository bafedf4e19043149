/** What the schema in the wrapper of Connect's JsonConverter says of fields, where their JSON alone does not tell. */
import type { InferredKind } from './infer-kind.js';
import { isObject } from './sample-fields.js';
import { type Encoding, MAX_SCALE } from './spec.js';

export interface ConnectType extends InferredKind {
  readonly encoding?: Encoding;
  readonly scale?: number;
}

/** By the name of the logical type; https://debezium.io/documentation/reference/connectors/postgresql.html */
const TYPES: Readonly<Record<string, ConnectType>> = {
  'org.apache.kafka.connect.data.Date': { kind: 'date', unit: 'd' },
  'org.apache.kafka.connect.data.Timestamp': { kind: 'timestamp' },
  'io.debezium.time.Date': { kind: 'date', unit: 'd' },
  'io.debezium.time.Timestamp': { kind: 'timestamp' },
  'io.debezium.time.MicroTimestamp': { kind: 'timestamp', unit: 'us' },
  'io.debezium.time.NanoTimestamp': { kind: 'timestamp', unit: 'ns' },
  'io.debezium.time.ZonedTimestamp': { kind: 'timestamp' },
  'io.debezium.data.Json': { kind: 'text', doubt: 'Texts of JSON.' },
};
const DECIMAL = 'org.apache.kafka.connect.data.Decimal';

/**
 * @param schema the wrapper's
 * @param names the path of a field in the payload
 * @returns undefined if the schema has no such field, or says no more of it than its JSON
 */
export function connectType(schema: unknown, names: readonly string[]): ConnectType | undefined {
  let type = schema;
  for (const name of names) {
    const fields: unknown = isObject(type) ? type.fields : undefined;
    if (!Array.isArray(fields)) return undefined;
    type = fields.find((field) => isObject(field) && field.field === name);
  }
  if (!isObject(type) || typeof type.name !== 'string') return undefined;
  if (type.name !== DECIMAL) return Object.hasOwn(TYPES, type.name) ? TYPES[type.name] : undefined;
  const scale = Number(isObject(type.parameters) ? type.parameters.scale : Number.NaN);
  return Number.isInteger(scale) && scale >= 0 && scale <= MAX_SCALE
    ? { kind: 'amount', raw: true, encoding: 'base64', scale }
    : undefined;
}
